/* What a test group does for a program's tests: real servers, faults, waits, views and logs. */

#include "check.h"

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

static void fault(const char *name, const char *member) {
    const char *arguments[2];
    arguments[0] = "member";
    arguments[1] = member;
    DONE(snl_testgroup_fault(group, name, arguments, 2, &error));
}

static void every_member_answers(void) {
    static const char *const members[] = {"master", "replica", "server-0", "server-1", "sentinel-0"};
    snl_cmd *ping = command("PING");

    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
        snl_reply *reply = NULL;
        DONE(snl_testgroup_command(group, members[i], ping, &reply, &error));
        CHECK(says(reply, "PONG"));
        snl_reply_free(reply);
    }
    CHECK(strncmp(snl_testgroup_url(group), "redis+sentinel://", 17) == 0);
    CHECK(strcmp(snl_testgroup_name(group), "shop") == 0);
    snl_cmd_free(ping);
}

static void a_write_reaches_the_replicas(void) {
    snl_cmd *set = command("SET k v"), *get = command("GET k");
    snl_reply *reply = NULL;

    DONE(snl_testgroup_command(group, "master", set, &reply, &error));
    snl_reply_free(reply);
    DONE(snl_testgroup_wait(group, "synced", &error));
    DONE(snl_testgroup_command(group, "replica", get, &reply, &error));

    CHECK(snl_reply_type(reply) == SNL_T_BULK && says(reply, "v"));
    snl_reply_free(reply);
    snl_cmd_free(get);
    snl_cmd_free(set);
}

static void what_it_does_not_know_is_refused(void) {
    static const char *const wrong[] = {"member", "server-99"};
    static const char *const unknown[] = {"whom", "master"};
    snl_reply *reply = NULL;

    REFUSED(SNL_E_CONFIG, snl_testgroup_fault(group, "burn", NULL, 0, &error));
    REFUSED(SNL_E_CONFIG, snl_testgroup_fault(group, "kill", NULL, 0, &error));
    REFUSED(SNL_E_CONFIG, snl_testgroup_fault(group, "kill", wrong, 2, &error));
    REFUSED(SNL_E_CONFIG, snl_testgroup_fault(group, "kill", unknown, 2, &error));
    REFUSED(SNL_E_ARG, snl_testgroup_fault(group, "kill", wrong, 1, &error));
    REFUSED(SNL_E_ARG, snl_testgroup_fault(group, "kill", NULL, 2, &error));
    REFUSED(SNL_E_CONFIG, snl_testgroup_wait(group, "sunshine", &error));
    REFUSED(SNL_E_CONFIG, snl_testgroup_address(group, "somebody", &reply, &error));
    CHECK(reply == NULL);
}

static void a_killed_master_is_replaced(void) {
    char old[64];
    snl_reply *reply = NULL;
    snl_reply *view = NULL;
    DONE(snl_testgroup_reset(group, &error));
    strcpy(old, address_of("master"));

    fault("kill", "master");
    DONE(snl_testgroup_wait(group, "agreement", &error));
    CHECK(snl_testgroup_view_json(group, &view, NULL) == SNL_OK);

    CHECK(strcmp(old, address_of("master")) != 0);
    CHECK(tells(view, "\"servers\"") && tells(view, "\"sentinels\""));
    DONE(snl_testgroup_logs(group, "server-0", &reply, &error));
    CHECK(snl_reply_len(reply) > 0);
    snl_reply_free(reply);
    snl_reply_free(view);
    DONE(snl_testgroup_reset(group, &error));
}

static void a_second_group_stands_beside_the_first(void) {
    static const char *const options[] = {"replicas", "0", "sentinel_count", "1", "quorum", "1", "patience_ms", "60000", NULL};
    snl_config *config = configured(options);
    snl_testgroup *other = NULL;

    DONE(snl_testgroup_start(config, &other, &error));

    CHECK(strcmp(snl_testgroup_url(other), snl_testgroup_url(group)) != 0);
    CHECK(strcmp(snl_testgroup_name(other), "mymaster") == 0);
    snl_testgroup_free(other);
    CHECK(strcmp(snl_testgroup_name(other), "") == 0);
    snl_config_free(config);
}

int main(void) {
    group = shared_group("shop");
    if (group == NULL)
        return 1;
    RUN(every_member_answers);
    RUN(a_write_reaches_the_replicas);
    RUN(what_it_does_not_know_is_refused);
    RUN(a_killed_master_is_replaced);
    RUN(a_second_group_stands_beside_the_first);
    snl_testgroup_free(group);
    return report();
}
