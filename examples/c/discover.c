/* Finds the master, its replicas and its sentinels: `discover redis+sentinel://127.0.0.1:26379/mymaster mymaster`. */

#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, snl_error *error) {
    fprintf(stderr, "%s: %s\n", what, snl_error_message(error));
    snl_error_free(error);
    return 1;
}

static void print(const snl_topology *topology, const char *what, int32_t role) {
    for (size_t i = 0; i < snl_topology_count(topology, role); i++) {
        const char *host = NULL;
        int32_t port = 0;
        if (snl_topology_node(topology, role, i, &host, &port) == SNL_OK)
            printf("%-8s %s:%d\n", what, host, (int)port);
    }
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "redis+sentinel://127.0.0.1:26379/mymaster";
    const char *name = argc > 2 ? argv[2] : "mymaster";
    snl_config *config = NULL;
    snl_discovery *discovery = NULL;
    snl_topology *topology = NULL;
    snl_error *error = NULL;

    if (snl_config_new(&config, &error) != SNL_OK)
        return fail("no configuration", error);
    if (snl_config_load(config, url, SNL_NTS, SNL_FORMAT_URL, &error) != SNL_OK)
        return fail("the URL cannot be used", error);
    if (snl_discovery_open(config, &discovery, &error) != SNL_OK)
        return fail("no discovery", error);
    if (snl_discovery_master(discovery, name, 5000, &topology, &error) != SNL_OK)
        return fail("the master is not found", error);

    print(topology, "master", SNL_ROLE_MASTER);
    print(topology, "replica", SNL_ROLE_REPLICA);
    print(topology, "sentinel", SNL_ROLE_SENTINEL);

    snl_topology_free(topology);
    snl_discovery_free(discovery);
    snl_config_free(config);
    return 0;
}
