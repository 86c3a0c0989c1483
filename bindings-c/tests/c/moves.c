/* What of a pool outlives its master, its handle, or both: subscriptions, commands, a pool that is shared. */

#include "pool.h"

static void a_shared_pool_outlives_its_handles(void) {
    static const char ids[] = "CLIENT ID";
    snl_config *config = NULL;
    snl_cmd *asking = command(ids);
    snl_error *error = NULL;
    int64_t connection[3] = {0, 0, 0};
    REQUIRE(snl_config_new(&config, NULL) == SNL_OK);
    CHECK(snl_config_load(config, snl_testgroup_url(group), SNL_NTS, SNL_FORMAT_URL, NULL) == SNL_OK);
    CHECK(snl_config_set(config, "timeout_ms", "60000", SNL_NTS, NULL) == SNL_OK);

    for (size_t i = 0; i < 3; i++) {
        snl_pool *shared = NULL;
        snl_reply *reply = NULL;
        DONE(snl_pool_shared(config, &shared, &error));
        DONE(snl_pool_exec(shared, asking, &reply, &error));
        CHECK(snl_reply_int(reply, &connection[i]) == SNL_OK);
        snl_reply_free(reply);
        if (i == 1)
            CHECK(snl_pool_close(shared, 5000) == SNL_OK);
        snl_pool_free(shared);
    }

    CHECK(connection[0] == connection[1]);
    CHECK(connection[1] != connection[2]);
    snl_error_free(error);
    snl_cmd_free(asking);
    snl_config_free(config);
}

/* The next message whose first word is `kind`; NULL when none comes. */
static snl_reply *message_of(snl_sub *sub, const char *kind) {
    snl_reply *message = NULL;
    while (snl_sub_next(sub, 60000, &message, NULL) == SNL_OK) {
        if (says(snl_reply_at(message, 0), kind))
            return message;
        snl_reply_free(message);
    }
    return NULL;
}

static void a_subscription_moves_with_the_master_and_tells_the_gap(void) {
    const char *channels[] = {"news"};
    snl_sub *sub = NULL;
    snl_reply *message;
    snl_conn *conn = NULL;
    snl_cmd *ping = command("PING");
    int64_t before = 0, after = 0;
    DONE(snl_sub_open(pool, &sub, &error));
    DONE(snl_sub_change(sub, SNL_SUBSCRIBE, 1, channels, NULL, 60000, &error));
    CHECK(snl_sub_fd(sub) >= 0);
    snl_reply_free(exec("PUBLISH news early"));
    message = message_of(sub, "message");
    CHECK(says(snl_reply_at(message, 1), "news") && says(snl_reply_at(message, 2), "early"));
    snl_reply_free(message);
    DONE(snl_pool_checkout(pool, SNL_ROLE_MASTER, 60000, &conn, &error));

    DONE(snl_testgroup_failover(group, &error));

    message = message_of(sub, "gap");
    CHECK(snl_reply_len(message) == 4);
    CHECK(snl_reply_int(snl_reply_at(message, 1), &before) == SNL_OK);
    CHECK(snl_reply_int(snl_reply_at(message, 2), &after) == SNL_OK && after > before);
    snl_reply_free(message);
    snl_reply_free(exec("PUBLISH news late"));
    message = message_of(sub, "message");
    CHECK(says(snl_reply_at(message, 2), "late"));
    snl_reply_free(message);
    message = NULL;
    CHECK(snl_conn_is_current(conn) == 0);
    REFUSED(SNL_E_MOVED, snl_conn_exec(conn, ping, &message, &error));
    snl_conn_release(conn);
    snl_cmd_free(ping);
    snl_sub_free(sub);
}

static void a_killed_master_costs_no_command(void) {
    static const char *const member[] = {"member", "master"};
    CHECK(gives("SET before kill", "OK"));
    DONE(snl_testgroup_wait(group, "synced", &error));

    DONE(snl_testgroup_fault(group, "kill", member, 2, &error));

    CHECK(gives("GET before", "kill"));
    CHECK(gives("SET after kill", "OK"));
}

int main(void) {
    if (!open_stage())
        return 1;
    RUN(a_shared_pool_outlives_its_handles);
    RUN(a_subscription_moves_with_the_master_and_tells_the_gap);
    RUN(a_killed_master_costs_no_command);
    return close_stage();
}
