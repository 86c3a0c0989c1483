/* How a program is tested through a failover, against real servers on free ports; nothing is left at the end. */

#include <assert.h>
#include <sentinelle.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Runs a command on a member; gives its reply, to be freed. */
static snl_reply *ask(snl_testgroup *group, const char *member, const char *line) {
    snl_cmd *cmd = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    snl_cmd_new(&cmd);
    snl_cmd_line(cmd, line, SNL_NTS, NULL);
    if (snl_testgroup_command(group, member, cmd, &reply, &error) != SNL_OK) {
        fprintf(stderr, "%s: %s\n", line, snl_error_message(error));
        exit(1);
    }
    snl_cmd_free(cmd);
    return reply;
}

int main(void) {
    static const char *const whom[] = {"member", "master"};
    snl_config *config = NULL;
    snl_testgroup *group = NULL;
    snl_reply *reply = NULL;
    snl_error *error = NULL;
    const char *value = NULL;
    size_t length = 0;

    /* A master, two replicas, three sentinels, in sync and agreed; a wait that is in vain fails after 30 s. */
    snl_config_new(&config, NULL);
    snl_config_set(config, "patience_ms", "30000", SNL_NTS, NULL);
    if (snl_testgroup_start(config, &group, &error) != SNL_OK) {
        fprintf(stderr, "%s\n", snl_error_message(error));
        return 1;
    }
    snl_config_free(config);
    printf("your program connects to %s\n", snl_testgroup_url(group));
    snl_reply_free(ask(group, "master", "SET order 1"));
    assert(snl_testgroup_wait(group, "synced", NULL) == SNL_OK);

    assert(snl_testgroup_fault(group, "kill", whom, 2, NULL) == SNL_OK);
    assert(snl_testgroup_wait(group, "agreement", NULL) == SNL_OK);

    reply = ask(group, "master", "GET order");
    assert(snl_reply_bytes(reply, &value, &length) == SNL_OK && length == 1 && value[0] == '1');
    printf("the order has survived\n");
    snl_reply_free(reply);

    assert(snl_testgroup_reset(group, NULL) == SNL_OK); /* fit for the next test */
    snl_testgroup_free(group);
    return 0;
}
