/* What the tests of pools have in common: a group, a pool for it, and commands as lines. */

#ifndef POOL_H
#define POOL_H

#include "check.h"

static snl_testgroup *group = NULL;
static snl_pool *pool = NULL;

/* A pool for the group, whose commands wait until any failover is over. */
static inline snl_pool *open_pool(void) {
    char url[256];
    snl_pool *opened = NULL;
    snprintf(url, sizeof url, "%s?timeout_ms=60000", snl_testgroup_url(group));
    CHECK(snl_pool_open_url(url, &opened, NULL) == SNL_OK);
    return opened;
}

/* Runs the words of a line through the pool. */
static inline snl_reply *exec(const char *line) {
    snl_cmd *cmd = command(line);
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    if (snl_pool_exec(pool, cmd, &reply, &error) != SNL_OK)
        printf("#   %s: %s\n", line, snl_error_message(error));
    snl_error_free(error);
    snl_cmd_free(cmd);
    return reply;
}

static inline int gives(const char *line, const char *text) {
    snl_reply *reply = exec(line);
    int right = says(reply, text);
    snl_reply_free(reply);
    return right;
}

/* Starts the group and opens the pool; gives whether that is done. */
static inline int open_stage(void) {
    group = shared_group("mymaster");
    if (group == NULL)
        return 0;
    pool = open_pool();
    return 1;
}

/* Ends both, and tells the count. */
static inline int close_stage(void) {
    snl_pool_free(pool);
    snl_testgroup_free(group);
    return report();
}

#endif
