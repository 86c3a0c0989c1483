/* How long a call takes: an empty one, a GET through the pool, and the same GET through hiredis, in turns.
 *
 * Start it beside a group: `bindings-c/benches/run.sh`.
 */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <hiredis/hiredis.h>
#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int by_size(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double median(double *values, size_t count) {
    qsort(values, count, sizeof *values, by_size);
    return values[count / 2];
}

int main(void) {
    enum { ROUNDS = 21, CALLS = 100000, COMMANDS = 5000 };
    const char *url = getenv("SENTINELLE_URL");
    const char *get[] = {"GET", "key"}, *set[] = {"SET", "key", "0123456789abcdef"};
    const size_t lens[] = {3, 3};
    double empty[ROUNDS], looked_up[ROUNDS], ours[ROUNDS], theirs[ROUNDS];
    snl_cmd *cmd = NULL;
    snl_config *config = NULL;
    snl_discovery *discovery = NULL;
    snl_topology *topology = NULL;
    snl_pool *pool = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    const char *host = NULL;
    int32_t port = 0;
    redisContext *context;

    snl_config_new(&config, NULL);
    if (url == NULL || snl_config_load(config, url, SNL_NTS, SNL_FORMAT_URL, &error) != SNL_OK ||
        snl_discovery_open(config, &discovery, &error) != SNL_OK ||
        snl_discovery_master(discovery, "mymaster", 5000, &topology, &error) != SNL_OK ||
        snl_topology_node(topology, SNL_ROLE_MASTER, 0, &host, &port) != SNL_OK ||
        snl_pool_open(discovery, "mymaster", NULL, &pool, &error) != SNL_OK ||
        snl_pool_exec_argv(pool, 3, set, NULL, 0, &reply, &error) != SNL_OK) {
        fprintf(stderr, "%s\n", snl_error_message(error));
        return 1;
    }
    snl_reply_free(reply);
    snl_cmd_new(&cmd);
    context = redisConnect(host, port);
    if (context == NULL || context->err)
        return 1;

    for (int round = 0; round < ROUNDS; round++) {
        double begin = now_ns();
        for (int i = 0; i < CALLS; i++)
            snl_abi();
        empty[round] = (now_ns() - begin) / CALLS;

        begin = now_ns();
        for (int i = 0; i < CALLS; i++)
            snl_cmd_clear(cmd);
        looked_up[round] = (now_ns() - begin) / CALLS;

        begin = now_ns();
        for (int i = 0; i < COMMANDS; i++) {
            const char *p = NULL;
            size_t n = 0;
            if (snl_pool_exec_argv(pool, 2, get, lens, 0, &reply, NULL) != SNL_OK || snl_reply_bytes(reply, &p, &n) != SNL_OK)
                return 1;
            snl_reply_free(reply);
        }
        ours[round] = (now_ns() - begin) / COMMANDS;

        begin = now_ns();
        for (int i = 0; i < COMMANDS; i++) {
            redisReply *answer = (redisReply *)redisCommandArgv(context, 2, get, lens);
            if (answer == NULL || answer->type != REDIS_REPLY_STRING)
                return 1;
            freeReplyObject(answer);
        }
        theirs[round] = (now_ns() - begin) / COMMANDS;
    }
    printf("C: a call that does nothing         %8.1f ns\n", median(empty, ROUNDS));
    printf("C: a call that finds its handle     %8.1f ns\n", median(looked_up, ROUNDS));
    printf("C: GET, snl_pool_exec_argv          %8.2f us\n", median(ours, ROUNDS) / 1000);
    printf("C: GET, hiredis redisCommandArgv    %8.2f us\n", median(theirs, ROUNDS) / 1000);
    printf("C: time of ours / theirs            %8.2f\n", median(ours, ROUNDS) / median(theirs, ROUNDS));

    redisFree(context);
    snl_cmd_free(cmd);
    snl_pool_free(pool);
    snl_topology_free(topology);
    snl_discovery_free(discovery);
    snl_config_free(config);
    return 0;
}
