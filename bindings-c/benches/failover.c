/* From C: how soon a group is ready, how many acknowledged writes a planned failover loses, how long the longest one waits. */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 20, AROUND = 500 };

static double now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_size(const void *a, const void *b) {
    double difference = *(const double *)a - *(const double *)b;
    return (difference > 0) - (difference < 0);
}

static double median(double *values) {
    qsort(values, ROUNDS, sizeof *values, by_size);
    return values[ROUNDS / 2];
}

static void need(int32_t code, snl_error *error) {
    if (code == SNL_OK)
        return;
    fprintf(stderr, "%s: %s\n", snl_code_name(code), snl_error_message(error));
    exit(1);
}

static void write_number(snl_pool *pool, int number) {
    char digits[16];
    const char *words[] = {"SADD", "writes", digits};
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    snprintf(digits, sizeof digits, "%d", number);
    need(snl_pool_exec_argv(pool, 3, words, NULL, 0, &reply, &error), error);
    snl_reply_free(reply);
}

/* Whether the master is another one than `old`. */
static int has_moved(snl_testgroup *group, const char *old) {
    char now[64] = "";
    size_t length = 0;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    need(snl_testgroup_address(group, "master", &reply, &error), error);
    snl_reply_copy(reply, now, sizeof now - 1, &length);
    snl_reply_free(reply);
    return strcmp(old, now) != 0;
}

/* Writes through a planned failover; gives how many writes were acknowledged, and how long the longest one took. */
static int write_through(snl_testgroup *group, snl_pool *pool, double *longest) {
    char old[64] = "";
    size_t length = 0;
    int number = 0, moved = 0;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    for (; number < AROUND; number++)
        write_number(pool, number);
    need(snl_testgroup_address(group, "master", &reply, &error), error);
    snl_reply_copy(reply, old, sizeof old - 1, &length);
    snl_reply_free(reply);
    need(snl_testgroup_fault(group, "failover", NULL, 0, &error), error);
    *longest = 0;
    for (int since = 0; since < AROUND; number++, since += moved) {
        double begin = now_ms();
        write_number(pool, number);
        if (now_ms() - begin > *longest)
            *longest = now_ms() - begin;
        moved = moved || (number % 20 == 0 && has_moved(group, old));
    }
    return number;
}

static long long kept(snl_testgroup *group) {
    snl_cmd *cmd = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    int64_t count = 0;
    need(snl_testgroup_wait(group, "agreement", &error), error);
    snl_cmd_new(&cmd);
    snl_cmd_line(cmd, "SCARD writes", SNL_NTS, NULL);
    need(snl_testgroup_command(group, "master", cmd, &reply, &error), error);
    snl_reply_int(reply, &count);
    snl_reply_free(reply);
    snl_cmd_free(cmd);
    return (long long)count;
}

static void measure(const char *backend) {
    double ready[ROUNDS], waited[ROUNDS];
    long long written = 0, lost = 0;
    for (int round = 0; round < ROUNDS; round++) {
        char url[256];
        double begin = now_ms();
        int acknowledged;
        snl_config *config = NULL;
        snl_testgroup *group = NULL;
        snl_pool *pool = NULL;
        snl_error *error = NULL;
        snl_config_new(&config, NULL);
        need(snl_config_set(config, "backend", backend, SNL_NTS, &error), error);
        need(snl_config_set(config, "patience_ms", "30000", SNL_NTS, &error), error);
        need(snl_testgroup_start(config, &group, &error), error);
        ready[round] = now_ms() - begin;
        snprintf(url, sizeof url, "%s?timeout_ms=10000", snl_testgroup_url(group));
        need(snl_pool_open_url(url, &pool, &error), error);
        acknowledged = write_through(group, pool, &waited[round]);
        written += acknowledged;
        lost += acknowledged - kept(group);
        snl_pool_free(pool);
        snl_testgroup_free(group);
        snl_config_free(config);
    }
    printf("C, %-5s sentinels: ready after %.0f ms, %lld of %lld acknowledged writes lost in %d failovers, "
           "the longest waited %.0f ms\n",
           backend, median(ready), lost, written, ROUNDS, median(waited));
}

int main(void) {
    measure("real");
    measure("stock");
    return 0;
}
