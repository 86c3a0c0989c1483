/* Counts what the tests find: a test is a function, its name a true sentence, the last line the count. */

#ifndef CHECK_H
#define CHECK_H

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sentinelle.h"

static int passed_tests = 0;
static int failed_tests = 0;
static int failed_checks = 0;

static inline int note_check(int holds, const char *what, const char *file, int line) {
    if (!holds) {
        failed_checks += 1;
        printf("# %s:%d: %s\n", file, line, what);
    }
    return holds;
}

/* Goes on when the condition does not hold. */
#define CHECK(condition) ((void)note_check((condition) != 0, #condition, __FILE__, __LINE__))

/* Leaves the test when the condition does not hold. */
#define REQUIRE(condition)                                         \
    do {                                                           \
        if (!note_check((condition) != 0, #condition, __FILE__, __LINE__)) \
            return;                                                \
    } while (0)

/* Checks that the call gives the code, and `error` the same one with a text; frees the error. */
#define REFUSED(expected, call)                                                          \
    do {                                                                                 \
        snl_error *error = NULL;                                                         \
        int32_t code = (call);                                                           \
        (void)note_check(code == (expected), #call " gives " #expected, __FILE__, __LINE__); \
        if (code != (expected))                                                          \
            printf("#   it gave %s: %s\n", snl_code_name(code), snl_error_message(error)); \
        CHECK(error != NULL && snl_error_code(error) == code);                           \
        CHECK(strlen(snl_error_message(error)) > 0);                                     \
        snl_error_free(error);                                                           \
    } while (0)

/* Leaves the test when the call fails, and says why; the call passes `&error`. */
#define DONE(call)                                                                     \
    do {                                                                               \
        snl_error *error = NULL;                                                       \
        int32_t code = (call);                                                         \
        if (code != SNL_OK)                                                            \
            printf("#   %s: %s\n", snl_code_name(code), snl_error_message(error));     \
        snl_error_free(error);                                                         \
        REQUIRE(code == SNL_OK);                                                       \
    } while (0)

#define RUN(test) run(#test, test)

static inline void run(const char *name, void (*test)(void)) {
    int before = failed_checks;
    test();
    if (failed_checks == before)
        passed_tests += 1;
    else
        failed_tests += 1;
    printf("%s - %s\n", failed_checks == before ? "ok" : "not ok", name);
    fflush(stdout);
}

static inline int report(void) {
    snl_shutdown(5000);
    printf("%d passed, %d failed\n", passed_tests, failed_tests);
    return failed_tests != 0;
}

/* A configuration of keys and values; the list ends in NULL. */
static inline snl_config *configured(const char *const *pairs) {
    snl_config *config = NULL;
    snl_error *error = NULL;
    snl_config_new(&config, NULL);
    for (; *pairs != NULL; pairs += 2) {
        if (snl_config_set(config, pairs[0], pairs[1], SNL_NTS, &error) != SNL_OK)
            (void)note_check(0, snl_error_message(error), __FILE__, __LINE__);
        snl_error_free(error);
        error = NULL;
    }
    return config;
}

/* A command from the words of a line. */
static inline snl_cmd *command(const char *line) {
    snl_cmd *cmd = NULL;
    snl_cmd_new(&cmd);
    CHECK(snl_cmd_line(cmd, line, SNL_NTS, NULL) == SNL_OK);
    return cmd;
}

/* Whether a string in a reply is this text. */
static inline int says(const snl_reply *reply, const char *text) {
    const char *p = NULL;
    size_t n = 0;
    return snl_reply_bytes(reply, &p, &n) == SNL_OK && n == strlen(text) && memcmp(p, text, n) == 0;
}

/* Whether a string in a reply has this text in it. */
static inline int tells(const snl_reply *reply, const char *text) {
    const char *p = NULL;
    size_t n = 0;
    return snl_reply_bytes(reply, &p, &n) == SNL_OK && strstr(p, text) != NULL;
}

/* The group that a program's tests share. A master that is busy for a moment is not taken for dead. */
static inline snl_testgroup *shared_group(const char *name) {
    const char *options[] = {"name", NULL, "patience_ms", "60000", "down_after_ms", "1000", NULL};
    snl_config *config;
    snl_testgroup *group = NULL;
    snl_error *error = NULL;
    options[1] = name;
    config = configured(options);
    if (snl_testgroup_start(config, &group, &error) != SNL_OK)
        printf("# %s\n0 passed, 1 failed\n", snl_error_message(error));
    snl_error_free(error);
    snl_config_free(config);
    return group;
}

static inline int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
