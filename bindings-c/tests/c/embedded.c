/* What a sentinel inside the program does: listens, answers, tells its events through a descriptor, and stops. */

#include "check.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

static snl_sentinel *start(int with_master) {
    static const char *const options[] = {"listen", "127.0.0.1:0", NULL};
    snl_config *config = configured(options);
    snl_sentinel *sentinel = NULL;
    snl_error *error = NULL;
    /* Nobody listens at port 1: the master is down from the beginning. */
    if (with_master) {
        static const char *const patience[] = {"down_after_ms", "50", NULL};
        snl_config *cart = configured(patience);
        CHECK(snl_config_monitor(config, "cart", "127.0.0.1", 1, 2, cart, NULL) == SNL_OK);
        snl_config_free(cart);
    }
    CHECK(snl_sentinel_start(config, &sentinel, &error) == SNL_OK);
    if (error != NULL)
        printf("#   %s\n", snl_error_message(error));
    snl_error_free(error);
    snl_config_free(config);
    return sentinel;
}

static void finish(snl_sentinel *sentinel) {
    DONE(snl_sentinel_stop(sentinel, 60000, &error));
    snl_sentinel_free(sentinel);
}

static void it_listens_once_it_is_started(void) {
    snl_sentinel *sentinel = start(0);
    const char *host = NULL;
    int32_t port = 0;
    struct sockaddr_in address;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    char answer[16] = "";

    CHECK(snl_sentinel_address(sentinel, &host, &port) == SNL_OK);
    CHECK(host != NULL && strcmp(host, "127.0.0.1") == 0);
    CHECK(strlen(snl_sentinel_id(sentinel)) == 40);
    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    CHECK(connect(client, (struct sockaddr *)&address, sizeof address) == 0);
    CHECK(write(client, "PING\r\n", 6) == 6);
    CHECK(read(client, answer, sizeof answer) == 7);

    CHECK(memcmp(answer, "+PONG\r\n", 7) == 0);
    close(client);
    finish(sentinel);
}

static void it_answers_commands_in_the_process(void) {
    snl_sentinel *sentinel = start(1);
    snl_cmd *asking = command("SENTINEL get-master-addr-by-name cart");
    snl_cmd *wrong = command("SENTINEL master nobody");
    snl_reply *reply = NULL;
    int64_t port = 0;

    DONE(snl_sentinel_command(sentinel, asking, &reply, &error));
    CHECK(snl_reply_type(reply) == SNL_T_ARRAY && snl_reply_len(reply) == 2);
    CHECK(says(snl_reply_at(reply, 0), "127.0.0.1"));
    CHECK(snl_reply_int(snl_reply_at(reply, 1), &port) == SNL_OK && port == 1);
    snl_reply_free(reply);
    DONE(snl_sentinel_command(sentinel, wrong, &reply, &error));
    CHECK(snl_reply_type(reply) == SNL_T_ERROR);
    CHECK(says(reply, "ERR No such master with that name"));

    snl_reply_free(reply);
    snl_cmd_free(wrong);
    snl_cmd_free(asking);
    finish(sentinel);
}

static void masters_come_and_go(void) {
    snl_sentinel *sentinel = start(0);
    snl_cmd *asking = command("SENTINEL master till");
    snl_reply *state = NULL;

    DONE(snl_sentinel_monitor(sentinel, "till", "127.0.0.1", 1, 1, NULL, &error));
    DONE(snl_sentinel_set(sentinel, "till", "down_after_ms", "1234", &error));
    DONE(snl_sentinel_state_json(sentinel, &state, &error));
    CHECK(tells(state, "\"till\""));
    snl_reply_free(state);
    DONE(snl_sentinel_command(sentinel, asking, &state, &error));
    CHECK(says(snl_reply_get(state, "down-after-milliseconds", SNL_NTS), "1234"));
    snl_reply_free(state);
    REFUSED(SNL_E_ARG, snl_sentinel_monitor(sentinel, "other", "127.0.0.1", 70000, 1, NULL, &error));
    REFUSED(SNL_E_CONFIG, snl_sentinel_set(sentinel, "till", "no_such_option", "1", &error));
    DONE(snl_sentinel_remove(sentinel, "till", &error));
    REFUSED(SNL_E_SERVER, snl_sentinel_remove(sentinel, "till", &error));
    REFUSED(SNL_E_SERVER, snl_sentinel_failover(sentinel, "till", &error));
    REFUSED(SNL_E_SERVER, snl_sentinel_ckquorum(sentinel, "till", &error));

    snl_cmd_free(asking);
    finish(sentinel);
}

static void too_few_sentinels_are_told(void) {
    snl_sentinel *sentinel = start(1);

    REFUSED(SNL_E_QUORUM, snl_sentinel_ckquorum(sentinel, "cart", &error));
    REFUSED(SNL_E_QUORUM, snl_sentinel_failover(sentinel, "cart", &error));

    finish(sentinel);
}

/* Waits with poll(2) for the event of that name; gives whether it came within ten seconds. */
static int poll_for(snl_sentinel *sentinel, const char *name) {
    int64_t deadline = now_ms() + 60000;
    int found = 0;
    while (!found && now_ms() < deadline) {
        struct pollfd waiting;
        snl_event *event = NULL;
        waiting.fd = snl_sentinel_event_fd(sentinel);
        waiting.events = POLLIN;
        if (poll(&waiting, 1, (int)(deadline - now_ms())) != 1)
            break;
        while (!found && snl_sentinel_event_next(sentinel, 0, &event, NULL) == SNL_OK) {
            found = strcmp(snl_event_name(event), name) == 0;
            if (found) {
                CHECK(strcmp(snl_event_source(event), "sentinel") == 0);
                CHECK(strcmp(snl_event_master(event), "cart") == 0);
                CHECK(strstr(snl_event_text(event), "cart") != NULL);
                CHECK(strstr(snl_event_json(event), name) != NULL);
                CHECK(snl_event_time_ms(event) > 1600000000000 && snl_event_lost(event) == 0);
            }
            snl_event_free(event);
        }
    }
    return found;
}

static void its_events_wake_a_poll(void) {
    snl_sentinel *sentinel = start(0);
    static const char *const patience[] = {"down_after_ms", "50", NULL};
    snl_config *cart = configured(patience);
    CHECK(snl_sentinel_event_fd(sentinel) >= 0);
    CHECK(snl_sentinel_event_fd(sentinel) == snl_sentinel_event_fd(sentinel));

    DONE(snl_sentinel_monitor(sentinel, "cart", "127.0.0.1", 1, 2, cart, &error));

    CHECK(poll_for(sentinel, "+monitor"));
    CHECK(poll_for(sentinel, "+sdown"));
    snl_config_free(cart);
    finish(sentinel);
}

static void a_wait_without_events_ends_in_time(void) {
    snl_sentinel *sentinel = start(0);
    snl_event *event = NULL;
    int64_t begin;
    while (snl_sentinel_event_next(sentinel, 0, &event, NULL) == SNL_OK)
        snl_event_free(event);
    event = NULL;

    begin = now_ms();
    CHECK(snl_sentinel_event_next(sentinel, 60, &event, NULL) == SNL_EMPTY);

    CHECK(event == NULL && now_ms() - begin >= 55);
    finish(sentinel);
}

static void a_stopped_sentinel_says_so(void) {
    snl_sentinel *sentinel = start(0);
    snl_reply *reply = NULL;
    snl_event *event = NULL;
    int32_t code;

    DONE(snl_sentinel_stop(sentinel, 60000, &error));
    DONE(snl_sentinel_stop(sentinel, 60000, &error));

    REFUSED(SNL_E_STOPPED, snl_sentinel_state_json(sentinel, &reply, &error));
    while ((code = snl_sentinel_event_next(sentinel, 30000, &event, NULL)) == SNL_OK)
        snl_event_free(event);
    CHECK(code == SNL_CLOSED);
    snl_sentinel_free(sentinel);
}

struct heard {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int count;
};

static void hear(void *userdata, const snl_event *event) {
    struct heard *heard = (struct heard *)userdata;
    pthread_mutex_lock(&heard->lock);
    heard->count += strlen(snl_event_name(event)) > 0;
    pthread_cond_signal(&heard->changed);
    pthread_mutex_unlock(&heard->lock);
}

static void a_callback_gets_events_on_another_thread(void) {
    snl_sentinel *sentinel = start(0);
    struct heard heard;
    struct timespec deadline;
    int waited = 0;
    pthread_mutex_init(&heard.lock, NULL);
    pthread_cond_init(&heard.changed, NULL);
    heard.count = 0;

    CHECK(snl_sentinel_on_event(sentinel, hear, &heard) == SNL_OK);
    CHECK(snl_sentinel_on_event(sentinel, NULL, NULL) == SNL_E_ARG);
    DONE(snl_sentinel_monitor(sentinel, "cart", "127.0.0.1", 1, 2, NULL, &error));

    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += 60;
    pthread_mutex_lock(&heard.lock);
    while (heard.count == 0 && waited == 0)
        waited = pthread_cond_timedwait(&heard.changed, &heard.lock, &deadline);
    CHECK(heard.count > 0);
    pthread_mutex_unlock(&heard.lock);
    finish(sentinel);
}

static void a_configuration_file_may_be_a_text(void) {
    static const char conf[] = "port 0\nbind 127.0.0.1\nsentinel monitor shop 127.0.0.1 1 1\n";
    snl_config *config = NULL;
    snl_sentinel *sentinel = NULL;
    snl_reply *state = NULL;
    REQUIRE(snl_config_new(&config, NULL) == SNL_OK);

    DONE(snl_config_load(config, conf, SNL_NTS, SNL_FORMAT_CONF, &error));
    DONE(snl_sentinel_start(config, &sentinel, &error));
    DONE(snl_sentinel_state_json(sentinel, &state, &error));

    CHECK(tells(state, "\"shop\""));
    snl_reply_free(state);
    snl_config_free(config);
    finish(sentinel);
}

static void what_cannot_start_says_why(void) {
    static const char *const taken[] = {"listen", "192.0.2.1:26379", NULL};
    static const char *const missing[] = {"conf_file", "no/such/sentinel.conf", NULL};
    snl_config *address = configured(taken), *file = configured(missing), *text = NULL;
    snl_sentinel *sentinel = NULL;
    REQUIRE(snl_config_new(&text, NULL) == SNL_OK);
    CHECK(snl_config_load(text, "sentinel monitor", SNL_NTS, SNL_FORMAT_CONF, NULL) == SNL_OK);

    REFUSED(SNL_E_BIND, snl_sentinel_start(address, &sentinel, &error));
    REFUSED(SNL_E_STORAGE, snl_sentinel_start(file, &sentinel, &error));
    REFUSED(SNL_E_CONFIG, snl_sentinel_start(text, &sentinel, &error));

    CHECK(sentinel == NULL);
    snl_config_free(text);
    snl_config_free(file);
    snl_config_free(address);
}

static void its_log_is_pulled_like_events(void) {
    snl_event *record = NULL;
    int32_t code;
    DONE(snl_log_level("debug", &error));
    CHECK(snl_log_fd() >= 0);

    finish(start(1));

    code = snl_log_next(60000, &record, NULL);
    CHECK(code == SNL_OK);
    CHECK(strcmp(snl_event_source(record), "log") == 0 && strlen(snl_event_text(record)) > 0);
    snl_event_free(record);
    DONE(snl_log_level("off", &error));
    while (snl_log_next(0, &record, NULL) == SNL_OK)
        snl_event_free(record);
}

int main(void) {
    RUN(it_listens_once_it_is_started);
    RUN(it_answers_commands_in_the_process);
    RUN(masters_come_and_go);
    RUN(too_few_sentinels_are_told);
    RUN(its_events_wake_a_poll);
    RUN(a_wait_without_events_ends_in_time);
    RUN(a_stopped_sentinel_says_so);
    RUN(a_callback_gets_events_on_another_thread);
    RUN(a_configuration_file_may_be_a_text);
    RUN(what_cannot_start_says_why);
    RUN(its_log_is_pulled_like_events);
    return report();
}
