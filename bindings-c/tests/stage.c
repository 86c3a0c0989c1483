/* Runs a command beside a real group, whose URL is in SENTINELLE_URL; gives the command's status.
 *
 * With --failover first, the group fails over again and again until the command ends.
 */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sentinelle.h"

static int give_up(const char *what, snl_error *error) {
    fprintf(stderr, "stage: %s: %s\n", what, snl_error_message(error));
    snl_error_free(error);
    return 1;
}

int main(int argc, char **argv) {
    int fails_over = argc > 1 && strcmp(argv[1], "--failover") == 0;
    char **words = argv + 1 + fails_over;
    snl_config *config = NULL;
    snl_testgroup *group = NULL;
    snl_error *error = NULL;
    int status = 0;
    pid_t child;

    if (words[0] == NULL)
        return give_up("no command", NULL);
    snl_config_new(&config, NULL);
    snl_config_set(config, "patience_ms", "60000", SNL_NTS, NULL);
    snl_config_set(config, "down_after_ms", "1000", SNL_NTS, NULL);
    if (snl_testgroup_start(config, &group, &error) != SNL_OK)
        return give_up("no group", error);
    snl_config_free(config);
    setenv("SENTINELLE_URL", snl_testgroup_url(group), 1);

    child = fork();
    if (child == 0) {
        execvp(words[0], words);
        _exit(127);
    }
    while (child > 0 && waitpid(child, &status, fails_over ? WNOHANG : 0) == 0) {
        struct timespec pause = {0, 500000000};
        nanosleep(&pause, NULL);
        if (snl_testgroup_failover(group, &error) != SNL_OK)
            return give_up("no failover", error);
    }
    snl_testgroup_free(group);
    return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
