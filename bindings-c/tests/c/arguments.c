/* What an argument may be: what cannot be used is refused by name, and nothing is written. */

#include "check.h"

static snl_config *empty(void) {
    snl_config *config = NULL;
    snl_config_new(&config, NULL);
    return config;
}

static void an_output_that_is_null_is_refused(void) {
    snl_config *config = empty();
    snl_cmd *ping = command("PING");
    snl_cq *queue = NULL;
    REQUIRE(snl_cq_new(&queue) == SNL_OK);

    REFUSED(SNL_E_ARG, snl_config_new(NULL, &error));
    REFUSED(SNL_E_ARG, snl_config_get(config, "master", NULL, NULL, &error));
    REFUSED(SNL_E_ARG, snl_sentinel_start(NULL, NULL, &error));
    REFUSED(SNL_E_ARG, snl_discovery_open(config, NULL, &error));
    REFUSED(SNL_E_ARG, snl_pool_open_url("redis+sentinel://127.0.0.1:1/m", NULL, &error));
    REFUSED(SNL_E_ARG, snl_pool_open_config(config, NULL, &error));
    REFUSED(SNL_E_ARG, snl_testgroup_start(NULL, NULL, &error));
    REFUSED(SNL_E_ARG, snl_log_next(0, NULL, &error));
    CHECK(snl_cmd_new(NULL) == SNL_E_ARG);
    CHECK(snl_pipe_new(0, NULL) == SNL_E_ARG);
    CHECK(snl_cq_new(NULL) == SNL_E_ARG);
    CHECK(snl_cq_next(queue, 0, NULL, NULL, NULL) == SNL_E_ARG);

    snl_cq_free(queue);
    snl_cmd_free(ping);
    snl_config_free(config);
}

static void a_configuration_without_sentinels_finds_nothing(void) {
    static const char *const options[] = {"master", "cart", NULL};
    snl_config *without = configured(options), *configurations[2];
    snl_discovery *discovery = NULL;
    configurations[0] = NULL;
    configurations[1] = without;

    for (size_t i = 0; i < 2; i++) {
        snl_error *error = NULL;
        CHECK(snl_discovery_open(configurations[i], &discovery, &error) == SNL_E_CONFIG);
        CHECK(strstr(snl_error_message(error), "argument c") != NULL);
        CHECK(strstr(snl_error_message(error), "sentinels") != NULL);
        snl_error_free(error);
    }

    CHECK(discovery == NULL);
    snl_config_free(without);
}

static void an_error_may_be_of_no_interest(void) {
    snl_config *config = empty();

    CHECK(snl_config_set(config, "no_such_option", "1", SNL_NTS, NULL) == SNL_E_CONFIG);
    CHECK(snl_pool_open_url("nonsense", NULL, NULL) == SNL_E_ARG);

    snl_config_free(config);
}

static void a_text_that_is_null_is_refused(void) {
    snl_config *config = empty();
    snl_cmd *cmd = command("PING");
    snl_pool *pool = NULL;

    REFUSED(SNL_E_ARG, snl_config_set(config, NULL, "v", SNL_NTS, &error));
    REFUSED(SNL_E_ARG, snl_config_set(config, "master", NULL, SNL_NTS, &error));
    REFUSED(SNL_E_ARG, snl_config_load(config, NULL, 5, SNL_FORMAT_URL, &error));
    REFUSED(SNL_E_ARG, snl_config_monitor(config, NULL, "127.0.0.1", 1, 1, NULL, &error));
    REFUSED(SNL_E_ARG, snl_pool_open_url(NULL, &pool, &error));
    REFUSED(SNL_E_ARG, snl_log_level(NULL, &error));
    CHECK(snl_cmd_arg(cmd, NULL, 3) == SNL_E_ARG);
    CHECK(snl_cmd_arg(cmd, NULL, SNL_NTS) == SNL_E_ARG);
    CHECK(snl_has_feature(NULL) == 0);
    CHECK(pool == NULL);

    snl_cmd_free(cmd);
    snl_config_free(config);
}

static void a_length_that_no_memory_has_is_refused(void) {
    snl_config *config = empty();
    snl_cmd *cmd = command("PING");
    snl_pipe *pipe = NULL;
    const char *words[] = {"PING"};
    const size_t lens[] = {((size_t)-1) / 2 + 1};
    REQUIRE(snl_pipe_new(0, &pipe) == SNL_OK);

    REFUSED(SNL_E_ARG, snl_config_set(config, "master", "m", ((size_t)-1) / 2 + 1, &error));
    CHECK(snl_cmd_arg(cmd, "a", (size_t)-2) == SNL_E_ARG);
    CHECK(snl_pipe_add_argv(pipe, 1, words, lens) == SNL_E_ARG);
    CHECK(snl_pipe_add_argv(pipe, (size_t)-1, words, NULL) == SNL_E_ARG);
    CHECK(snl_pipe_add_argv(pipe, 1, NULL, NULL) == SNL_E_ARG);
    CHECK(snl_pipe_add_argv(pipe, 0, words, NULL) == SNL_E_ARG);

    snl_pipe_free(pipe);
    snl_cmd_free(cmd);
    snl_config_free(config);
}

static void a_text_is_utf_8(void) {
    snl_config *config = empty();

    REFUSED(SNL_E_ARG, snl_config_set(config, "master", "\xff\xfe", SNL_NTS, &error));
    REFUSED(SNL_E_ARG, snl_config_set(config, "\xc3(", "m", SNL_NTS, &error));
    REFUSED(SNL_E_ARG, snl_config_load(config, "redis+sentinel://\x80/m", SNL_NTS, SNL_FORMAT_URL, &error));
    REFUSED(SNL_E_ARG, snl_config_monitor(config, "m\xff", "127.0.0.1", 1, 1, NULL, &error));
    REFUSED(SNL_E_ARG, snl_log_level("inf\xff", &error));

    snl_config_free(config);
}

static void an_unknown_option_is_named(void) {
    snl_config *config = empty();
    snl_error *error = NULL;

    CHECK(snl_config_set(config, "down_afer_ms", "1", SNL_NTS, &error) == SNL_E_CONFIG);

    CHECK(strstr(snl_error_message(error), "down_afer_ms") != NULL);
    snl_error_free(error);
    snl_config_free(config);
}

static void a_value_that_is_not_legal_is_named(void) {
    static const char *const refused[][2] = {
        {"hold_max_ms", "soon"}, {"hold_max_ms", "60001"}, {"hold_max_ms", "-1"},      {"hold", "maybe"},
        {"tls", "perhaps"},      {"sentinels", "here"},    {"address_map", "a:1->b:2"}, {"down_after_ms", "0"},
        {"config_file", ""},     {"master", "two\nlines"},
    };
    snl_config *config = empty();

    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        snl_error *error = NULL;
        CHECK(snl_config_set(config, refused[i][0], refused[i][1], SNL_NTS, &error) == SNL_E_CONFIG);
        CHECK(strstr(snl_error_message(error), refused[i][0]) != NULL);
        snl_error_free(error);
    }
    snl_config_free(config);
}

static void a_password_is_not_shown(void) {
    snl_config *config = empty();
    snl_error *error = NULL;

    CHECK(snl_config_set(config, "password", "se\ncret", SNL_NTS, &error) == SNL_E_CONFIG);

    CHECK(strstr(snl_error_message(error), "cret") == NULL);
    CHECK(strstr(snl_error_detail_json(error), "cret") == NULL);
    snl_error_free(error);
    snl_config_free(config);
}

static void an_option_is_read_back(void) {
    snl_config *config = empty();
    const char *value = NULL;
    size_t n = 99;

    CHECK(snl_config_get(config, "master", &value, &n, NULL) == SNL_EMPTY);
    CHECK(value == NULL && n == 99);
    DONE(snl_config_load(config, "redis+sentinel://127.0.0.1:5000/cart", SNL_NTS, SNL_FORMAT_AUTO, &error));
    DONE(snl_config_set(config, "client_name", "abcdef", 3, &error));

    CHECK(snl_config_get(config, "master", &value, &n, NULL) == SNL_OK);
    CHECK(n == 4 && strcmp(value, "cart") == 0);
    CHECK(snl_config_get(config, "client_name", &value, &n, NULL) == SNL_OK);
    CHECK(n == 3 && strcmp(value, "abc") == 0);
    snl_config_free(config);
}

static void a_number_outside_its_bounds_is_refused(void) {
    snl_config *config = empty();
    snl_cmd *cmd = command("GET k");

    REFUSED(SNL_E_ARG, snl_config_load(config, "x", SNL_NTS, 3, &error));
    REFUSED(SNL_E_ARG, snl_config_monitor(config, "m", "127.0.0.1", 65536, 1, NULL, &error));
    REFUSED(SNL_E_ARG, snl_config_monitor(config, "m", "127.0.0.1", -1, 1, NULL, &error));
    REFUSED(SNL_E_ARG, snl_config_monitor(config, "m", "127.0.0.1", 1, -1, NULL, &error));
    REFUSED(SNL_E_ARG, snl_cmd_flags(cmd, 2, NULL, 0, &error));
    REFUSED(SNL_E_ARG, snl_log_level("loud", &error));
    REFUSED(SNL_E_CONFIG, snl_config_load(config, "ftp://h/m", SNL_NTS, SNL_FORMAT_URL, &error));

    snl_cmd_free(cmd);
    snl_config_free(config);
}

static void a_line_with_an_open_quote_is_refused(void) {
    snl_cmd *cmd = NULL;
    REQUIRE(snl_cmd_new(&cmd) == SNL_OK);

    REFUSED(SNL_E_ARG, snl_cmd_line(cmd, "SET k \"open", SNL_NTS, &error));
    CHECK(snl_cmd_line(cmd, "SET k \"a b\"", SNL_NTS, NULL) == SNL_OK);
    CHECK(snl_cmd_clear(cmd) == SNL_OK);

    snl_cmd_free(cmd);
}

static void the_library_says_what_it_is(void) {
    CHECK(snl_abi() == 1);
    CHECK(strchr(snl_version(), '.') != NULL);
    CHECK(snl_has_feature("embed") == 1 && snl_has_feature("pool") == 1 && snl_has_feature("testgroup") == 1);
    CHECK(snl_has_feature("telepathy") == 0);
    CHECK(strcmp(snl_code_name(SNL_E_TIMEOUT), "SNL_E_TIMEOUT") == 0);
    CHECK(strcmp(snl_code_name(12345), "SNL_E_?") == 0);
    CHECK(strstr(snl_config_keys_json(), "\"hold_max_ms\"") != NULL);
}

int main(void) {
    RUN(an_output_that_is_null_is_refused);
    RUN(a_configuration_without_sentinels_finds_nothing);
    RUN(an_error_may_be_of_no_interest);
    RUN(a_text_that_is_null_is_refused);
    RUN(a_length_that_no_memory_has_is_refused);
    RUN(a_text_is_utf_8);
    RUN(an_unknown_option_is_named);
    RUN(a_value_that_is_not_legal_is_named);
    RUN(a_password_is_not_shown);
    RUN(an_option_is_read_back);
    RUN(a_number_outside_its_bounds_is_refused);
    RUN(a_line_with_an_open_quote_is_refused);
    RUN(the_library_says_what_it_is);
    return report();
}
