/* What a forked child may do: nothing with its parent's handles but free them, everything anew after snl_after_fork. */

#include "check.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static snl_sentinel *started(void) {
    static const char *const options[] = {"listen", "127.0.0.1:0", NULL};
    snl_config *config = configured(options);
    snl_sentinel *sentinel = NULL;
    CHECK(snl_sentinel_start(config, &sentinel, NULL) == SNL_OK);
    snl_config_free(config);
    return sentinel;
}

/* Runs `child` in a child process; gives how many of its checks failed. */
static int in_a_child(void (*child)(snl_sentinel *), snl_sentinel *sentinel) {
    int status = 0;
    pid_t pid;
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        failed_checks = 0;
        child(sentinel);
        fflush(stdout);
        _exit(failed_checks > 100 ? 100 : failed_checks);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

static void expect_forked(snl_sentinel *sentinel) {
    snl_config *config = NULL;
    snl_reply *reply = NULL;
    snl_cmd *ping = NULL;

    REFUSED(SNL_E_FORKED, snl_config_new(&config, &error));
    REFUSED(SNL_E_FORKED, snl_sentinel_state_json(sentinel, &reply, &error));
    CHECK(snl_cmd_new(&ping) == SNL_E_FORKED);
    CHECK(config == NULL && reply == NULL && ping == NULL);
}

static void start_anew(snl_sentinel *sentinel) {
    snl_reply *reply = NULL;
    snl_sentinel *own;

    CHECK(snl_after_fork() == SNL_OK);
    REFUSED(SNL_E_FORKED, snl_sentinel_state_json(sentinel, &reply, &error));
    CHECK(reply == NULL);
    snl_sentinel_free(sentinel);

    own = started();
    DONE(snl_sentinel_state_json(own, &reply, &error));
    CHECK(snl_reply_len(reply) > 0);
    snl_reply_free(reply);
    DONE(snl_sentinel_stop(own, 5000, &error));
    snl_sentinel_free(own);
}

static void end_at_once(snl_sentinel *sentinel) {
    snl_sentinel_free(sentinel);
}

static void a_child_is_told_that_it_is_one(void) {
    snl_sentinel *sentinel = started();
    REQUIRE(sentinel != NULL);

    CHECK(in_a_child(expect_forked, sentinel) == 0);

    snl_sentinel_free(sentinel);
}

static void a_child_starts_anew_after_it_said_so(void) {
    snl_sentinel *sentinel = started();
    snl_reply *reply = NULL;
    REQUIRE(sentinel != NULL);

    CHECK(in_a_child(start_anew, sentinel) == 0);

    /* The parent's sentinel has noticed nothing. */
    DONE(snl_sentinel_state_json(sentinel, &reply, &error));
    snl_reply_free(reply);
    snl_sentinel_free(sentinel);
}

static void a_child_that_frees_what_it_inherited_harms_nobody(void) {
    snl_sentinel *sentinel = started();
    snl_cmd *ping = command("PING");
    snl_reply *reply = NULL;
    REQUIRE(sentinel != NULL);

    CHECK(in_a_child(end_at_once, sentinel) == 0);

    DONE(snl_sentinel_command(sentinel, ping, &reply, &error));
    CHECK(says(reply, "PONG"));
    snl_reply_free(reply);
    snl_cmd_free(ping);
    snl_sentinel_free(sentinel);
}

int main(void) {
    RUN(a_child_is_told_that_it_is_one);
    RUN(a_child_starts_anew_after_it_said_so);
    RUN(a_child_that_frees_what_it_inherited_harms_nobody);
    return report();
}
