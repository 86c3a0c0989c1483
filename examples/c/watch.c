/* Waits with poll(2) for the master to move, beside whatever else an event loop watches. */

#include <poll.h>
#include <sentinelle.h>
#include <stdio.h>
#include <string.h>

static int fail(const char *what, snl_error *error) {
    fprintf(stderr, "%s: %s\n", what, snl_error_message(error));
    snl_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "redis+sentinel://127.0.0.1:26379/mymaster";
    const char *name = argc > 2 ? argv[2] : "mymaster";
    snl_config *config = NULL;
    snl_discovery *discovery = NULL;
    snl_topology *topology = NULL;
    snl_error *error = NULL;
    int has_switched = 0;

    snl_config_new(&config, NULL);
    if (snl_config_load(config, url, SNL_NTS, SNL_FORMAT_URL, &error) != SNL_OK)
        return fail("the URL cannot be used", error);
    if (snl_discovery_open(config, &discovery, &error) != SNL_OK)
        return fail("no discovery", error);
    if (snl_discovery_master(discovery, name, 5000, &topology, &error) != SNL_OK)
        return fail("the master is not found", error);
    printf("watching, generation %llu\n", (unsigned long long)snl_topology_gen(topology));
    snl_topology_free(topology);

    while (!has_switched) {
        struct pollfd events = {snl_discovery_event_fd(discovery), POLLIN, 0};
        snl_event *event = NULL;
        if (poll(&events, 1, 30000) != 1) {
            fprintf(stderr, "nothing happened for 30 seconds\n");
            return 1;
        }
        /* The descriptor is readable while an event waits, so all of them are taken. */
        while (snl_discovery_event_next(discovery, 0, &event, NULL) == SNL_OK) {
            printf("%s %s\n", snl_event_name(event), snl_event_text(event));
            has_switched |= strcmp(snl_event_name(event), "switched") == 0;
            snl_event_free(event);
        }
    }

    snl_discovery_free(discovery);
    snl_config_free(config);
    return 0;
}
