/* What a handle may be: one that lives, of the right kind. Anything else is a code and a message, never a crash. */

#include "check.h"

static void ignore(void *userdata, const snl_event *event) {
    (void)userdata;
    (void)event;
}

static void errors_refuse(void *handle) {
    CHECK(snl_error_code((snl_error *)handle) == SNL_E_HANDLE);
    CHECK(snl_error_outcome((snl_error *)handle) == SNL_OUTCOME_NONE);
    CHECK(strcmp(snl_error_message((snl_error *)handle), "") == 0);
    CHECK(strcmp(snl_error_server_code((snl_error *)handle), "") == 0);
    CHECK(strcmp(snl_error_address((snl_error *)handle), "") == 0);
    CHECK(strcmp(snl_error_detail_json((snl_error *)handle), "{}") == 0);
    CHECK(snl_error_retryable((snl_error *)handle) == 0);
}

static void values_refuse(void *handle) {
    const char *text = NULL;
    size_t n = 0;
    int64_t number = 0;
    double real = 0;
    const int64_t *words = NULL;

    REFUSED(SNL_E_HANDLE, snl_config_load((snl_config *)handle, "redis://h", SNL_NTS, 0, &error));
    REFUSED(SNL_E_HANDLE, snl_config_set((snl_config *)handle, "master", "m", SNL_NTS, &error));
    REFUSED(SNL_E_HANDLE, snl_config_get((snl_config *)handle, "master", &text, &n, &error));
    REFUSED(SNL_E_HANDLE, snl_config_monitor((snl_config *)handle, "m", "127.0.0.1", 1, 1, NULL, &error));
    CHECK(strcmp(snl_event_name((snl_event *)handle), "") == 0);
    CHECK(strcmp(snl_event_source((snl_event *)handle), "") == 0);
    CHECK(strcmp(snl_event_master((snl_event *)handle), "") == 0);
    CHECK(strcmp(snl_event_text((snl_event *)handle), "") == 0);
    CHECK(strcmp(snl_event_json((snl_event *)handle), "{}") == 0);
    CHECK(snl_event_time_ms((snl_event *)handle) == 0);
    CHECK(snl_event_epoch((snl_event *)handle) == 0);
    CHECK(snl_event_lost((snl_event *)handle) == 0);
    CHECK(snl_reply_type((snl_reply *)handle) == SNL_E_HANDLE);
    CHECK(snl_reply_int((snl_reply *)handle, &number) == SNL_E_HANDLE);
    CHECK(snl_reply_double((snl_reply *)handle, &real) == SNL_E_HANDLE);
    CHECK(snl_reply_bytes((snl_reply *)handle, &text, &n) == SNL_E_HANDLE);
    CHECK(snl_reply_copy((snl_reply *)handle, NULL, 0, &n) == SNL_E_HANDLE);
    CHECK(snl_reply_len((snl_reply *)handle) == 0);
    CHECK(snl_reply_at((snl_reply *)handle, 0) == NULL);
    CHECK(snl_reply_get((snl_reply *)handle, "k", 1) == NULL);
    CHECK(snl_reply_flat((snl_reply *)handle, &words, &n, &text, &n) == SNL_E_HANDLE);
    CHECK(strcmp(snl_reply_json((snl_reply *)handle), "null") == 0);
    CHECK(snl_cmd_arg((snl_cmd *)handle, "a", 1) == SNL_E_HANDLE);
    CHECK(snl_cmd_arg_int((snl_cmd *)handle, 1) == SNL_E_HANDLE);
    CHECK(snl_cmd_arg_double((snl_cmd *)handle, 1.5) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_cmd_line((snl_cmd *)handle, "PING", SNL_NTS, &error));
    REFUSED(SNL_E_HANDLE, snl_cmd_flags((snl_cmd *)handle, -1, NULL, 0, &error));
    CHECK(snl_cmd_clear((snl_cmd *)handle) == SNL_E_HANDLE);

    CHECK(text == NULL && n == 0 && number == 0 && words == NULL);
}

static void sentinels_refuse(void *handle) {
    const char *text = NULL;
    int32_t port = 0;
    snl_event *event = NULL;
    snl_reply *reply = NULL;
    snl_cmd *cmd = command("PING");

    CHECK(snl_sentinel_address((snl_sentinel *)handle, &text, &port) == SNL_E_HANDLE);
    CHECK(strcmp(snl_sentinel_id((snl_sentinel *)handle), "") == 0);
    REFUSED(SNL_E_HANDLE, snl_sentinel_monitor((snl_sentinel *)handle, "m", "h", 1, 1, NULL, &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_set((snl_sentinel *)handle, "m", "quorum", "1", &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_remove((snl_sentinel *)handle, "m", &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_failover((snl_sentinel *)handle, "m", &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_ckquorum((snl_sentinel *)handle, "m", &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_command((snl_sentinel *)handle, cmd, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_sentinel_state_json((snl_sentinel *)handle, &reply, &error));
    CHECK(snl_sentinel_event_fd((snl_sentinel *)handle) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_sentinel_event_next((snl_sentinel *)handle, 0, &event, &error));
    CHECK(snl_sentinel_on_event((snl_sentinel *)handle, ignore, NULL) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_sentinel_stop((snl_sentinel *)handle, 0, &error));

    CHECK(text == NULL && port == 0 && event == NULL && reply == NULL);
    snl_cmd_free(cmd);
}

static void discoveries_refuse(void *handle) {
    const char *text = NULL;
    int32_t port = 0;
    snl_topology *topology = NULL;
    snl_pool *pool = NULL;
    snl_event *event = NULL;
    snl_reply *reply = NULL;

    REFUSED(SNL_E_HANDLE, snl_discovery_master((snl_discovery *)handle, "m", 0, &topology, &error));
    REFUSED(SNL_E_HANDLE, snl_discovery_refresh((snl_discovery *)handle, "m", 0, &error));
    REFUSED(SNL_E_HANDLE, snl_discovery_masters((snl_discovery *)handle, "*", 0, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_discovery_wait_switch((snl_discovery *)handle, "m", 0, 0, &topology, &error));
    CHECK(snl_discovery_event_fd((snl_discovery *)handle) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_discovery_event_next((snl_discovery *)handle, 0, &event, &error));
    CHECK(snl_discovery_on_event((snl_discovery *)handle, ignore, NULL) == SNL_E_HANDLE);
    CHECK(snl_topology_gen((snl_topology *)handle) == 0);
    CHECK(snl_topology_epoch((snl_topology *)handle) == 0);
    CHECK(snl_topology_count((snl_topology *)handle, SNL_ROLE_MASTER) == 0);
    CHECK(snl_topology_node((snl_topology *)handle, SNL_ROLE_MASTER, 0, &text, &port) == SNL_E_HANDLE);
    CHECK(strcmp(snl_topology_json((snl_topology *)handle), "{}") == 0);
    REFUSED(SNL_E_HANDLE, snl_pool_open((snl_discovery *)handle, "m", NULL, &pool, &error));

    CHECK(text == NULL && port == 0 && topology == NULL && pool == NULL && event == NULL && reply == NULL);
}

static void pools_refuse(void *handle) {
    const char *argv[] = {"PING"};
    size_t four = 4;
    snl_conn *conn = NULL;
    snl_sub *sub = NULL;
    snl_reply *reply = NULL;
    snl_cmd *cmd = command("PING");

    REFUSED(SNL_E_HANDLE, snl_pool_exec((snl_pool *)handle, cmd, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_pool_exec_argv((snl_pool *)handle, 1, argv, NULL, 0, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_pool_exec_into((snl_pool *)handle, 1, "PING", &four, 0, &four, 8, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_pool_checkout((snl_pool *)handle, SNL_ROLE_MASTER, 0, &conn, &error));
    CHECK(snl_pool_stats_json((snl_pool *)handle, &reply) == SNL_E_HANDLE);
    CHECK(snl_pool_close((snl_pool *)handle, 0) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_conn_exec((snl_conn *)handle, cmd, &reply, &error));
    CHECK(snl_conn_is_current((snl_conn *)handle) == 0);
    CHECK(snl_conn_gen((snl_conn *)handle) == 0);
    CHECK(snl_pipe_add((snl_pipe *)handle, cmd) == SNL_E_HANDLE);
    CHECK(snl_pipe_add_argv((snl_pipe *)handle, 1, argv, NULL) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_pipe_exec((snl_pipe *)handle, NULL, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_sub_open((snl_pool *)handle, &sub, &error));
    REFUSED(SNL_E_HANDLE, snl_sub_change((snl_sub *)handle, SNL_SUBSCRIBE, 1, argv, NULL, 0, &error));
    CHECK(snl_sub_fd((snl_sub *)handle) == SNL_E_HANDLE);
    REFUSED(SNL_E_HANDLE, snl_sub_next((snl_sub *)handle, 0, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_pool_submit((snl_pool *)handle, NULL, cmd, 0, &error));

    CHECK(conn == NULL && sub == NULL && reply == NULL);
    snl_cmd_free(cmd);
}

static void cancels_refuse(void *handle) {
    snl_cmd *cmd = command("PING");

    CHECK(snl_cancel_fire((snl_cancel *)handle) == SNL_E_HANDLE);
    CHECK(snl_cmd_cancel_with((snl_cmd *)handle, NULL) == SNL_E_HANDLE);
    CHECK(snl_cmd_cancel_with(cmd, (snl_cancel *)handle) == (handle == NULL ? SNL_OK : SNL_E_HANDLE));

    snl_cmd_free(cmd);
}

static void groups_refuse(void *handle) {
    snl_reply *reply = NULL;
    snl_cmd *cmd = command("PING");

    CHECK(strcmp(snl_testgroup_url((snl_testgroup *)handle), "") == 0);
    CHECK(strcmp(snl_testgroup_name((snl_testgroup *)handle), "") == 0);
    REFUSED(SNL_E_HANDLE, snl_testgroup_address((snl_testgroup *)handle, "master", &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_command((snl_testgroup *)handle, "master", cmd, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_fault((snl_testgroup *)handle, "heal", NULL, 0, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_wait((snl_testgroup *)handle, "ready", &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_failover((snl_testgroup *)handle, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_reset((snl_testgroup *)handle, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_view_json((snl_testgroup *)handle, &reply, &error));
    REFUSED(SNL_E_HANDLE, snl_testgroup_logs((snl_testgroup *)handle, "master", &reply, &error));

    CHECK(reply == NULL);
    snl_cmd_free(cmd);
}

/* Calls every function that takes a handle, but for those of a completion queue. */
static void every_call_refuses(void *handle) {
    errors_refuse(handle);
    values_refuse(handle);
    sentinels_refuse(handle);
    discoveries_refuse(handle);
    pools_refuse(handle);
    cancels_refuse(handle);
    groups_refuse(handle);
}

static void queues_refuse(void *handle) {
    uint64_t tag = 0;
    snl_reply *reply = NULL;

    CHECK(snl_cq_fd((snl_cq *)handle) == SNL_E_HANDLE);
    CHECK(snl_cq_next((snl_cq *)handle, 0, &tag, &reply, NULL) == SNL_E_HANDLE);

    CHECK(tag == 0 && reply == NULL);
}

static void every_free_lets_be(void *handle) {
    snl_error_free((snl_error *)handle);
    snl_config_free((snl_config *)handle);
    snl_event_free((snl_event *)handle);
    snl_reply_free((snl_reply *)handle);
    snl_cmd_free((snl_cmd *)handle);
    snl_sentinel_free((snl_sentinel *)handle);
    snl_discovery_free((snl_discovery *)handle);
    snl_topology_free((snl_topology *)handle);
    snl_pool_free((snl_pool *)handle);
    snl_conn_release((snl_conn *)handle);
    snl_conn_discard((snl_conn *)handle);
    snl_pipe_free((snl_pipe *)handle);
    snl_cancel_free((snl_cancel *)handle);
    snl_sub_free((snl_sub *)handle);
    snl_testgroup_free((snl_testgroup *)handle);
}

static void null_is_no_handle(void) {
    every_call_refuses(NULL);
    queues_refuse(NULL);
}

static void null_is_freed_without_a_word(void) {
    every_free_lets_be(NULL);
    snl_cq_free(NULL);
}

static void a_freed_handle_is_no_handle(void) {
    snl_cq *queue = NULL;
    REQUIRE(snl_cq_new(&queue) == SNL_OK);

    snl_cq_free(queue);

    every_call_refuses(queue);
    queues_refuse(queue);
}

static void a_handle_is_freed_once(void) {
    snl_cq *freed = NULL, *alive = NULL;
    REQUIRE(snl_cq_new(&freed) == SNL_OK);
    REQUIRE(snl_cq_new(&alive) == SNL_OK);

    snl_cq_free(freed);
    snl_cq_free(freed);

    CHECK(snl_cq_fd(freed) == SNL_E_HANDLE);
    CHECK(snl_cq_fd(alive) >= 0);
    snl_cq_free(alive);
}

static void a_handle_of_another_kind_is_no_handle(void) {
    snl_cq *queue = NULL;
    snl_config *config = NULL;
    REQUIRE(snl_cq_new(&queue) == SNL_OK);
    REQUIRE(snl_config_new(&config, NULL) == SNL_OK);

    every_call_refuses(queue);
    every_free_lets_be(queue);
    queues_refuse(config);
    snl_cq_free((snl_cq *)config);

    CHECK(snl_cq_fd(queue) >= 0);
    CHECK(snl_config_set(config, "master", "cart", SNL_NTS, NULL) == SNL_OK);
    snl_cq_free(queue);
    snl_config_free(config);
}

static void an_address_of_other_memory_is_no_handle(void) {
    char memory[256];
    memset(memory, 0x5a, sizeof memory);

    every_call_refuses(memory);
    queues_refuse(memory);
    every_free_lets_be(memory);
}

static void an_error_owns_all_its_texts(void) {
    snl_error *error = NULL;
    REQUIRE(snl_pool_open(NULL, "m", NULL, NULL, &error) == SNL_E_HANDLE);

    CHECK(snl_error_code(error) == SNL_E_HANDLE);
    CHECK(snl_error_outcome(error) == SNL_OUTCOME_NONE);
    CHECK(strstr(snl_error_message(error), "NULL") != NULL);
    CHECK(strstr(snl_error_detail_json(error), "\"handle\"") != NULL);
    snl_error_free(error);
    CHECK(snl_error_code(error) == SNL_E_HANDLE);
}

int main(void) {
    RUN(null_is_no_handle);
    RUN(null_is_freed_without_a_word);
    RUN(a_freed_handle_is_no_handle);
    RUN(a_handle_is_freed_once);
    RUN(a_handle_of_another_kind_is_no_handle);
    RUN(an_address_of_other_memory_is_no_handle);
    RUN(an_error_owns_all_its_texts);
    return report();
}
