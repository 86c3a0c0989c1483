/* What a discovery does: finds the master of a real group, says why when it cannot, and follows a failover. */

#include "check.h"

#include <poll.h>

static snl_testgroup *group = NULL;

/* The address of a member of the group, as host:port; lives until the next call. */
static const char *address_of(const char *member) {
    static char text[64];
    snl_reply *reply = NULL;
    text[0] = '\0';
    if (snl_testgroup_address(group, member, &reply, NULL) == SNL_OK) {
        size_t n = 0;
        CHECK(snl_reply_copy(reply, text, sizeof text - 1, &n) == SNL_OK);
        text[n] = '\0';
    }
    snl_reply_free(reply);
    return text;
}

static snl_discovery *discover(void) {
    snl_config *config = NULL;
    snl_discovery *discovery = NULL;
    snl_config_new(&config, NULL);
    CHECK(snl_config_load(config, snl_testgroup_url(group), SNL_NTS, SNL_FORMAT_URL, NULL) == SNL_OK);
    CHECK(snl_discovery_open(config, &discovery, NULL) == SNL_OK);
    snl_config_free(config);
    return discovery;
}

static void a_discovery_finds_the_master(void) {
    snl_discovery *discovery = discover();
    snl_topology *topology = NULL;
    snl_reply *names = NULL;
    const char *host = NULL;
    int32_t port = 0;
    char found[64];

    DONE(snl_discovery_master(discovery, "shop", 60000, &topology, &error));
    CHECK(snl_topology_gen(topology) == 1);
    CHECK(snl_topology_count(topology, SNL_ROLE_MASTER) == 1 && snl_topology_count(topology, 99) == 0);
    CHECK(snl_topology_node(topology, SNL_ROLE_MASTER, 0, &host, &port) == SNL_OK);
    snprintf(found, sizeof found, "%s:%d", host, (int)port);
    CHECK(strcmp(found, address_of("master")) == 0);
    CHECK(snl_topology_node(topology, SNL_ROLE_MASTER, 1, &host, &port) == SNL_E_ARG);
    CHECK(snl_topology_node(topology, 99, 0, &host, &port) == SNL_E_ARG);
    CHECK(strstr(snl_topology_json(topology), "\"shop\"") != NULL);
    DONE(snl_discovery_refresh(discovery, "shop", 60000, &error));
    DONE(snl_discovery_masters(discovery, "s*", 60000, &names, &error));
    CHECK(snl_reply_len(names) == 1 && says(snl_reply_at(names, 0), "shop"));

    snl_reply_free(names);
    snl_topology_free(topology);
    snl_discovery_free(discovery);
}

static void what_cannot_be_found_says_why(void) {
    static const char *const nobody[] = {"sentinels", "127.0.0.1:1", NULL};
    snl_config *config = configured(nobody);
    snl_discovery *discovery = discover(), *lost = NULL;
    snl_topology *topology = NULL;
    DONE(snl_discovery_open(config, &lost, &error));

    REFUSED(SNL_E_MASTER_UNKNOWN, snl_discovery_master(discovery, "unheard-of", 3000, &topology, &error));
    REFUSED(SNL_E_SENTINELS_UNREACHABLE, snl_discovery_master(lost, "shop", 3000, &topology, &error));
    REFUSED(SNL_E_TIMEOUT, snl_discovery_wait_switch(discovery, "shop", 1, 50, &topology, &error));

    CHECK(topology == NULL);
    snl_discovery_free(lost);
    snl_discovery_free(discovery);
    snl_config_free(config);
}

static void a_switch_wakes_a_poll(void) {
    snl_discovery *discovery = discover();
    snl_topology *topology = NULL;
    int64_t deadline;
    int has_switched = 0;
    DONE(snl_discovery_master(discovery, "shop", 60000, &topology, &error));
    CHECK(snl_discovery_event_fd(discovery) >= 0);

    DONE(snl_testgroup_failover(group, &error));
    deadline = now_ms() + 60000;
    while (!has_switched && now_ms() < deadline) {
        struct pollfd waiting;
        snl_event *event = NULL;
        waiting.fd = snl_discovery_event_fd(discovery);
        waiting.events = POLLIN;
        if (poll(&waiting, 1, (int)(deadline - now_ms())) != 1)
            break;
        while (snl_discovery_event_next(discovery, 0, &event, NULL) == SNL_OK) {
            has_switched |= strcmp(snl_event_name(event), "switched") == 0;
            snl_event_free(event);
        }
    }
    CHECK(has_switched);

    snl_topology_free(topology);
    topology = NULL;
    DONE(snl_discovery_wait_switch(discovery, "shop", 1, 60000, &topology, &error));
    CHECK(snl_topology_gen(topology) >= 2 && snl_topology_epoch(topology) > 0);
    snl_topology_free(topology);
    snl_discovery_free(discovery);
}

int main(void) {
    group = shared_group("shop");
    if (group == NULL)
        return 1;
    RUN(a_discovery_finds_the_master);
    RUN(what_cannot_be_found_says_why);
    RUN(a_switch_wakes_a_poll);
    snl_testgroup_free(group);
    return report();
}
