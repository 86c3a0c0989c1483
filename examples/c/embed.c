/* Runs a sentinel inside the program for a while: `embed cart 10.0.0.5 6379 2`; `redis-cli -p <port>` may ask it. */

#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, snl_error *error) {
    fprintf(stderr, "%s: %s\n", what, snl_error_message(error));
    snl_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "mymaster";
    const char *master = argc > 2 ? argv[2] : "127.0.0.1";
    int32_t master_port = argc > 3 ? atoi(argv[3]) : 6379;
    int32_t quorum = argc > 4 ? atoi(argv[4]) : 1;
    snl_config *config = NULL, *options = NULL;
    snl_sentinel *sentinel = NULL;
    snl_event *event = NULL;
    snl_error *error = NULL;
    const char *host = NULL;
    int32_t port = 0;

    snl_config_new(&config, NULL);
    snl_config_new(&options, NULL);
    if (snl_config_set(config, "listen", "127.0.0.1:0", SNL_NTS, &error) != SNL_OK ||
        snl_config_set(options, "down_after_ms", "1000", SNL_NTS, &error) != SNL_OK ||
        snl_config_monitor(config, name, master, master_port, quorum, options, &error) != SNL_OK)
        return fail("the options cannot be used", error);
    if (snl_sentinel_start(config, &sentinel, &error) != SNL_OK)
        return fail("the sentinel does not start", error);
    snl_sentinel_address(sentinel, &host, &port);
    printf("listening on %s:%d\n", host, (int)port);

    /* The first events tell what it finds: +monitor, +slave, +sentinel. Your program would go on. */
    for (int heard = 0; heard < 5 && snl_sentinel_event_next(sentinel, 2000, &event, NULL) == SNL_OK; heard++) {
        printf("%s %s\n", snl_event_name(event), snl_event_text(event));
        snl_event_free(event);
    }

    if (snl_sentinel_stop(sentinel, 5000, &error) != SNL_OK)
        return fail("the sentinel does not stop", error);
    snl_sentinel_free(sentinel);
    snl_config_free(options);
    snl_config_free(config);
    return 0;
}
