/* What a pool does: commands where they belong, pipelines, connections to oneself, and a queue of results. */

#include "pool.h"

#include <poll.h>
#include <pthread.h>

static void a_value_comes_back_as_it_was_given(void) {
    static const char bytes[] = "a\0b\r\n\xff";
    const char *set[] = {"SET", "bytes", bytes};
    const char *get[] = {"GET", "bytes"};
    const size_t lens[] = {3, 5, 6};
    snl_reply *reply = NULL;
    const char *p = NULL;
    size_t n = 0;

    DONE(snl_pool_exec_argv(pool, 3, set, lens, 0, &reply, &error));
    CHECK(says(reply, "OK"));
    snl_reply_free(reply);
    reply = NULL;
    DONE(snl_pool_exec_argv(pool, 2, get, NULL, 30000, &reply, &error));

    CHECK(snl_reply_type(reply) == SNL_T_BULK);
    CHECK(snl_reply_bytes(reply, &p, &n) == SNL_OK && n == 6 && memcmp(p, bytes, 6) == 0 && p[6] == '\0');
    snl_reply_free(reply);
}

static void replies_have_their_types(void) {
    snl_reply *reply = exec("GET nobody");
    int64_t number = 0;
    CHECK(snl_reply_type(reply) == SNL_T_NIL);
    snl_reply_free(reply);

    reply = exec("INCRBY counter 7");
    CHECK(snl_reply_type(reply) == SNL_T_INT && snl_reply_int(reply, &number) == SNL_OK && number == 7);
    snl_reply_free(reply);

    CHECK(gives("SET text 12", "OK"));
    reply = exec("GET text");
    CHECK(snl_reply_int(reply, &number) == SNL_OK && number == 12);
    snl_reply_free(reply);

    snl_reply_free(exec("HSET hash name cart size 2"));
    reply = exec("HGETALL hash");
    CHECK(says(snl_reply_get(reply, "name", SNL_NTS), "cart") && says(snl_reply_get(reply, "size", 4), "2"));
    CHECK(snl_reply_get(reply, "nothing", SNL_NTS) == NULL);
    CHECK(strstr(snl_reply_json(reply), "cart") != NULL);
    snl_reply_free(reply);
}

static void a_whole_reply_is_read_in_one_call(void) {
    const int64_t *words = NULL;
    const char *blob = NULL;
    size_t nwords = 0, nblob = 0;
    snl_reply *reply;
    snl_reply_free(exec("RPUSH list one two"));

    reply = exec("LRANGE list 0 -1");
    CHECK(snl_reply_flat(reply, &words, &nwords, &blob, &nblob) == SNL_OK);

    REQUIRE(nwords == 9 && words[0] == SNL_T_ARRAY && words[2] == 2 && words[3] == SNL_T_BULK);
    CHECK(words[5] == 3 && memcmp(blob + words[4], "one", 3) == 0);
    CHECK(words[8] == 3 && memcmp(blob + words[7], "two", 3) == 0);
    snl_reply_free(reply);
}

static void a_reply_is_laid_into_the_callers_memory(void) {
    static const char get[] = "GETroom", set[] = "SETroomgreen", list[] = "LRANGElist0-1", ping[] = "PING";
    const size_t get_lens[] = {3, 4}, set_lens[] = {3, 4, 5}, list_lens[] = {6, 4, 1, 2}, ping_lens[] = {4};
    const size_t absurd[] = {(size_t)-1, 2};
    int64_t room[64];
    const char *bytes = (const char *)room;
    snl_reply *reply = NULL;

    DONE(snl_pool_exec_into(pool, 3, set, set_lens, 0, room, sizeof room, &reply, &error));
    CHECK(reply == NULL && room[0] == 3 && room[2] == SNL_T_SIMPLE);
    DONE(snl_pool_exec_into(pool, 2, get, get_lens, 60000, room, sizeof room, &reply, &error));
    CHECK(reply == NULL && room[0] == 3 && room[1] == 6 && room[2] == SNL_T_BULK && room[3] == 0 && room[4] == 5);
    CHECK(memcmp(bytes + 40, "green", 6) == 0);
    DONE(snl_pool_exec_into(pool, 4, list, list_lens, 0, room, sizeof room, &reply, &error));
    CHECK(reply == NULL && room[0] == 9 && room[2] == SNL_T_ARRAY && room[4] == 2);

    /* One byte less than it takes. */
    DONE(snl_pool_exec_into(pool, 2, get, get_lens, 0, room, 45, &reply, &error));
    CHECK(room[0] == 0 && says(reply, "green"));
    snl_reply_free(reply);
    reply = NULL;
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 1, ping, ping_lens, 0, NULL, 64, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 1, ping, ping_lens, 0, room, 15, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 0, ping, ping_lens, 0, room, sizeof room, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 1, ping, NULL, 0, room, sizeof room, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 1, NULL, ping_lens, 0, room, sizeof room, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 2, ping, absurd, 0, room, sizeof room, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_into(pool, 1, ping, ping_lens, 0, room, sizeof room, NULL, &error));
    CHECK(reply == NULL);
}

static void an_error_reply_is_an_error_with_the_servers_code(void) {
    snl_cmd *wrong = command("INCR list");
    snl_cmd *unknown = command("NOSUCHCOMMAND");
    snl_cmd *nothing = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    REQUIRE(snl_cmd_new(&nothing) == SNL_OK);

    CHECK(snl_pool_exec(pool, wrong, &reply, &error) == SNL_E_SERVER);
    CHECK(strcmp(snl_error_server_code(error), "WRONGTYPE") == 0);
    CHECK(snl_error_outcome(error) == SNL_OUTCOME_REJECTED);
    snl_error_free(error);
    REFUSED(SNL_E_SERVER, snl_pool_exec(pool, unknown, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec(pool, nothing, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_argv(pool, 0, NULL, NULL, 0, &reply, &error));
    REFUSED(SNL_E_ARG, snl_pool_exec_argv(pool, 1, NULL, NULL, 0, &reply, &error));

    CHECK(reply == NULL);
    snl_cmd_free(nothing);
    snl_cmd_free(unknown);
    snl_cmd_free(wrong);
}

static void a_command_that_takes_too_long_is_given_up(void) {
    snl_cmd *waiting = command("BLPOP nothing-comes 60");
    snl_reply *reply = NULL;
    int64_t begin = now_ms();
    DONE(snl_cmd_flags(waiting, -1, NULL, 200, &error));

    REFUSED(SNL_E_TIMEOUT, snl_pool_exec(pool, waiting, &reply, &error));

    CHECK(now_ms() - begin < 50000 && reply == NULL);
    snl_cmd_free(waiting);
}

/* Fires what ends the command of the other thread, once the server knows that it waits. */
static void *fire(void *argument) {
    int64_t deadline = now_ms() + 30000;
    int waits = 0;
    while (!waits && now_ms() < deadline) {
        snl_reply *clients = exec("CLIENT LIST");
        waits = tells(clients, "cmd=blpop");
        snl_reply_free(clients);
    }
    CHECK(waits);
    CHECK(snl_cancel_fire((snl_cancel *)argument) == SNL_OK);
    return NULL;
}

static void a_command_that_waits_is_ended_by_another_thread(void) {
    snl_cmd *waiting = command("BLPOP nothing-comes 0");
    snl_cancel *cancel = NULL;
    snl_reply *reply = NULL;
    pthread_t firing;
    DONE(snl_cmd_flags(waiting, -1, NULL, 60000, &error));
    REQUIRE(snl_cancel_new(&cancel) == SNL_OK);
    CHECK(snl_cmd_cancel_with(waiting, cancel) == SNL_OK);

    REQUIRE(pthread_create(&firing, NULL, fire, cancel) == 0);
    REFUSED(SNL_E_CANCELLED, snl_pool_exec(pool, waiting, &reply, &error));
    pthread_join(firing, NULL);

    /* It stays fired. */
    REFUSED(SNL_E_CANCELLED, snl_pool_exec(pool, waiting, &reply, &error));
    CHECK(reply == NULL);
    snl_cancel_free(cancel);
    REFUSED(SNL_E_CANCELLED, snl_pool_exec(pool, waiting, &reply, &error));
    CHECK(snl_cmd_cancel_with(waiting, cancel) == SNL_E_HANDLE);
    CHECK(snl_cmd_cancel_with(waiting, NULL) == SNL_OK);
    DONE(snl_cmd_flags(waiting, -1, NULL, 200, &error));
    REFUSED(SNL_E_TIMEOUT, snl_pool_exec(pool, waiting, &reply, &error));
    snl_cmd_free(waiting);
}

static void commands_are_sent_together(void) {
    const char *get[] = {"GET", "p1"};
    snl_cmd *set = command("SET p1 one"), *wrong = command("INCR p1");
    for (int32_t atomic = 0; atomic <= 1; atomic++) {
        snl_pipe *pipe = NULL;
        snl_reply *reply = NULL;
        REQUIRE(snl_pipe_new(atomic, &pipe) == SNL_OK);
        CHECK(snl_pipe_add(pipe, set) == SNL_OK && snl_pipe_add(pipe, wrong) == SNL_OK);
        CHECK(snl_pipe_add_argv(pipe, 2, get, NULL) == SNL_OK);

        DONE(snl_pipe_exec(pipe, pool, &reply, &error));

        CHECK(snl_reply_type(reply) == SNL_T_ARRAY && snl_reply_len(reply) == 3);
        CHECK(says(snl_reply_at(reply, 0), "OK") && says(snl_reply_at(reply, 2), "one"));
        CHECK(snl_reply_type(snl_reply_at(reply, 1)) == SNL_T_ERROR);
        snl_reply_free(reply);
        snl_pipe_free(pipe);
    }
    snl_cmd_free(wrong);
    snl_cmd_free(set);
}

/* Runs the words of a line on a connection. */
static snl_reply *exec_on(snl_conn *conn, const char *line) {
    snl_cmd *cmd = command(line);
    snl_reply *reply = NULL;
    CHECK(snl_conn_exec(conn, cmd, &reply, NULL) == SNL_OK);
    snl_cmd_free(cmd);
    return reply;
}

static void a_watched_key_spoils_the_transaction(void) {
    snl_conn *conn = NULL;
    snl_reply *reply = NULL;
    CHECK(gives("SET stock 5", "OK"));
    DONE(snl_pool_checkout(pool, SNL_ROLE_MASTER, 60000, &conn, &error));
    CHECK(snl_conn_is_current(conn) == 1 && snl_conn_gen(conn) == 1);

    snl_reply_free(exec_on(conn, "WATCH stock"));
    CHECK(gives("SET stock 4", "OK"));
    snl_reply_free(exec_on(conn, "MULTI"));
    reply = exec_on(conn, "SET stock 3");
    CHECK(says(reply, "QUEUED"));
    snl_reply_free(reply);
    reply = exec_on(conn, "EXEC");

    CHECK(snl_reply_type(reply) == SNL_T_NIL);
    CHECK(gives("GET stock", "4"));
    snl_reply_free(reply);
    snl_conn_release(conn);
    CHECK(snl_conn_gen(conn) == 0);
}

/* Waits on the server, once the other thread's commands leave it the connection. */
static void *block(void *argument) {
    snl_cmd *cmd = command("BLPOP wake 60");
    snl_reply *reply = NULL;
    while (snl_conn_exec((snl_conn *)argument, cmd, &reply, NULL) == SNL_E_BUSY)
        continue;
    CHECK(says(snl_reply_at(reply, 1), "up"));
    snl_reply_free(reply);
    snl_cmd_free(cmd);
    return NULL;
}

static void a_connection_is_used_by_one_thread_at_a_time(void) {
    snl_conn *conn = NULL;
    snl_cmd *ping = command("PING");
    pthread_t blocked;
    int32_t code = SNL_OK;
    int64_t deadline = now_ms() + 30000;
    DONE(snl_pool_checkout(pool, SNL_ROLE_MASTER, 60000, &conn, &error));

    REQUIRE(pthread_create(&blocked, NULL, block, conn) == 0);
    while (code == SNL_OK && now_ms() < deadline) {
        struct timespec pause = {0, 1000000};
        snl_reply *reply = NULL;
        nanosleep(&pause, NULL);
        code = snl_conn_exec(conn, ping, &reply, NULL);
        snl_reply_free(reply);
    }

    CHECK(code == SNL_E_BUSY);
    snl_reply_free(exec("RPUSH wake up"));
    pthread_join(blocked, NULL);
    snl_cmd_free(ping);
    snl_conn_discard(conn);
}

static void results_come_into_a_queue_with_their_tags(void) {
    snl_cq *queue = NULL;
    snl_cmd *set = command("SET q 1"), *wrong = command("HGET q f");
    struct pollfd waiting;
    int ok = 0, failed = 0;
    REQUIRE(snl_cq_new(&queue) == SNL_OK);
    CHECK(snl_cq_next(queue, 0, NULL, NULL, NULL) == SNL_E_ARG);

    for (uint64_t tag = 1; tag <= 20; tag++)
        CHECK(snl_pool_submit(pool, queue, tag % 10 == 0 ? wrong : set, tag, NULL) == SNL_PENDING);
    waiting.fd = snl_cq_fd(queue);
    waiting.events = POLLIN;
    while (ok + failed < 20 && poll(&waiting, 1, 30000) == 1) {
        uint64_t tag = 0;
        snl_reply *reply = NULL;
        snl_error *error = NULL;
        if (snl_cq_next(queue, 0, &tag, &reply, &error) != SNL_OK)
            continue;
        CHECK((reply == NULL) == (tag % 10 == 0) && (error == NULL) == (tag % 10 != 0));
        ok += reply != NULL;
        failed += error != NULL && snl_error_code(error) == SNL_E_SERVER;
        snl_reply_free(reply);
        snl_error_free(error);
    }

    CHECK(ok == 18 && failed == 2);
    snl_cmd_free(wrong);
    snl_cmd_free(set);
    snl_cq_free(queue);
}

static void its_figures_are_json(void) {
    snl_reply *stats = NULL;

    CHECK(snl_pool_stats_json(pool, &stats) == SNL_OK);

    CHECK(tells(stats, "{"));
    snl_reply_free(stats);
}

static void a_closed_pool_says_so(void) {
    snl_pool *other = NULL;
    snl_cmd *ping = command("PING");
    snl_reply *reply = NULL;
    other = open_pool();
    DONE(snl_pool_exec(other, ping, &reply, &error));
    snl_reply_free(reply);
    reply = NULL;

    CHECK(snl_pool_close(other, 2000) == SNL_OK && snl_pool_close(other, 2000) == SNL_OK);

    REFUSED(SNL_E_STOPPED, snl_pool_exec(other, ping, &reply, &error));
    snl_cmd_free(ping);
    snl_pool_free(other);
}

static void a_pool_wants_sentinels_and_a_master(void) {
    snl_config *config = NULL;
    snl_pool *pool = NULL;
    REQUIRE(snl_config_new(&config, NULL) == SNL_OK);

    REFUSED(SNL_E_CONFIG, snl_pool_open_url("redis+sentinel://127.0.0.1:5000", &pool, &error));
    REFUSED(SNL_E_CONFIG, snl_pool_open_config(config, &pool, &error));
    CHECK(snl_config_set(config, "master", "m", SNL_NTS, NULL) == SNL_OK);
    REFUSED(SNL_E_CONFIG, snl_pool_open_config(config, &pool, &error));
    REFUSED(SNL_E_CONFIG, snl_pool_shared(config, &pool, &error));
    REFUSED(SNL_E_CONFIG, snl_pool_open_url("redis+sentinel://127.0.0.1:5000/m?bogus=1", &pool, &error));

    CHECK(pool == NULL);
    snl_config_free(config);
}

int main(void) {
    if (!open_stage())
        return 1;
    RUN(a_value_comes_back_as_it_was_given);
    RUN(replies_have_their_types);
    RUN(a_whole_reply_is_read_in_one_call);
    RUN(a_reply_is_laid_into_the_callers_memory);
    RUN(an_error_reply_is_an_error_with_the_servers_code);
    RUN(a_command_that_takes_too_long_is_given_up);
    RUN(a_command_that_waits_is_ended_by_another_thread);
    RUN(commands_are_sent_together);
    RUN(a_watched_key_spoils_the_transaction);
    RUN(a_connection_is_used_by_one_thread_at_a_time);
    RUN(results_come_into_a_queue_with_their_tags);
    RUN(its_figures_are_json);
    RUN(a_closed_pool_says_so);
    RUN(a_pool_wants_sentinels_and_a_master);
    return close_stage();
}
