/* Runs a command beside one server without anything in front of it, and a sentinel that knows it; the URL is in SENTINELLE_URL.
 *
 * Members of a test group stand behind fronts that cut and delay, which would take most of the time of a short command.
 */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <sentinelle.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A port that nobody uses at the moment. */
static int free_port(void) {
    struct sockaddr_in address;
    socklen_t length = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &length) != 0)
        exit(1);
    close(fd);
    return ntohs(address.sin_port);
}

static pid_t start_server(int port) {
    char digits[16];
    pid_t pid;
    snprintf(digits, sizeof digits, "%d", port);
    pid = fork();
    if (pid == 0) {
        execlp("redis-server", "redis-server", "--port", digits, "--bind", "127.0.0.1", "--save", "", "--logfile", "/dev/null",
               (char *)NULL);
        _exit(127);
    }
    for (int tries = 0; tries < 500; tries++) {
        struct timespec pause = {0, 10000000};
        redisContext *context = redisConnect("127.0.0.1", port);
        int answers = context != NULL && !context->err;
        redisFree(context);
        if (answers)
            return pid;
        nanosleep(&pause, NULL);
    }
    exit(1);
}

int main(int argc, char **argv) {
    snl_config *config = NULL;
    snl_sentinel *sentinel = NULL;
    snl_error *error = NULL;
    const char *host = NULL;
    int32_t port = 0;
    int server_port = free_port(), status = 1;
    char url[64];
    pid_t server = start_server(server_port), child;

    if (argc < 2)
        return 1;
    snl_config_new(&config, NULL);
    snl_config_set(config, "listen", "127.0.0.1:0", SNL_NTS, NULL);
    snl_config_monitor(config, "mymaster", "127.0.0.1", server_port, 1, NULL, NULL);
    if (snl_sentinel_start(config, &sentinel, &error) != SNL_OK || snl_sentinel_address(sentinel, &host, &port) != SNL_OK) {
        fprintf(stderr, "%s\n", snl_error_message(error));
        return 1;
    }
    snprintf(url, sizeof url, "redis+sentinel://127.0.0.1:%d/mymaster", (int)port);
    setenv("SENTINELLE_URL", url, 1);
    child = fork();
    if (child == 0) {
        execvp(argv[1], argv + 1);
        _exit(127);
    }
    waitpid(child, &status, 0);
    snl_sentinel_free(sentinel);
    snl_config_free(config);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
