/* Runs commands through a pool: one, several together, and a transaction that a watched key may spoil. */

#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what, snl_error *error) {
    fprintf(stderr, "%s: %s (%s)\n", what, snl_error_message(error), snl_code_name(snl_error_code(error)));
    snl_error_free(error);
    return 1;
}

/* Prints a reply and frees it. */
static void show(const char *what, snl_reply *reply) {
    printf("%s: %s\n", what, snl_reply_json(reply));
    snl_reply_free(reply);
}

int main(int argc, char **argv) {
    const char *url = argc > 1 ? argv[1] : "redis+sentinel://127.0.0.1:26379/mymaster";
    const char *set[] = {"SET", "greeting", "hello"};
    const char *get[] = {"GET", "greeting"};
    const char *increment[] = {"INCR", "visits"};
    snl_pool *pool = NULL;
    snl_pipe *pipe = NULL;
    snl_conn *conn = NULL;
    snl_cmd *cmd = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;

    if (snl_pool_open_url(url, &pool, &error) != SNL_OK)
        return fail("no pool", error);
    if (snl_pool_exec_argv(pool, 3, set, NULL, 0, &reply, &error) != SNL_OK)
        return fail("SET", error);
    show("SET", reply);

    snl_pipe_new(1, &pipe); /* 1: as one transaction */
    snl_pipe_add_argv(pipe, 2, increment, NULL);
    snl_pipe_add_argv(pipe, 2, get, NULL);
    if (snl_pipe_exec(pipe, pool, &reply, &error) != SNL_OK)
        return fail("the transaction", error);
    show("together", reply);

    if (snl_pool_checkout(pool, SNL_ROLE_MASTER, 1000, &conn, &error) != SNL_OK)
        return fail("no connection", error);
    snl_cmd_new(&cmd);
    snl_cmd_line(cmd, "WATCH visits", SNL_NTS, NULL);
    if (snl_conn_exec(conn, cmd, &reply, &error) != SNL_OK)
        return fail("WATCH", error);
    show("WATCH", reply);

    snl_conn_release(conn);
    snl_cmd_free(cmd);
    snl_pipe_free(pipe);
    snl_pool_free(pool);
    return 0;
}
