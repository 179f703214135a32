/* tests/bench/clients.c - the clients of plant.py in C, so that their own time is small beside the daemon's.
 *
 *     clients plc PORT CYCLE_US
 *
 * Reads station 1 in each cycle and acknowledges each result; then prints the inspection's id, when the request
 * was sent whose answer showed the result, and when that answer was there.
 *
 *     clients camera PORT NAME PNG
 *
 * Posts once for each line that it reads; prints the id, and when it was sent and answered.
 *
 *     clients load PORT COUNT PNG
 *
 * Posts on COUNT connections without pause; prints the number of answers for each line that it reads.
 *
 * Times are of the wall clock in microseconds, as the daemon's `received_us`. Each ends with its standard input.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 65536, LOAD_MAX = 64, BEAT_US = 500000, ID_BYTES = 36, ID_REGISTER = 28 };

struct request {
    char *text; /* owned */
    size_t bytes;
};

/* One connection to the daemon's HTTP side. */
struct post {
    int fd;
    size_t bytes; /* of the answer, so far */
    char answer[ANSWER_BYTES + 1];
};

static void need(bool well, const char *what) {
    if (well)
        return;
    perror(what);
    exit(2);
}

static int64_t now_us(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000;
}

static int reach(const char *port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to), "connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static void send_all(int fd, const void *data, size_t bytes) {
    const char *at = data;
    while (bytes) {
        ssize_t sent = send(fd, at, bytes, MSG_NOSIGNAL);
        need(sent > 0, "send");
        at += sent;
        bytes -= (size_t)sent;
    }
}

/* --- a camera --- */

static struct request read_request(const char *camera, const char *path) {
    struct request request = {.text = malloc(1 << 20)};
    static char body[(1 << 20) - 512];
    FILE *file = fopen(path, "rb");
    need(request.text && file, path);
    size_t bytes = fread(body, 1, sizeof body, file);
    fclose(file);
    request.bytes = (size_t)sprintf(request.text,
                                    "POST /v1/inspections?product=carpet&camera=%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                                    "Content-Type: image/png\r\nContent-Length: %zu\r\n\r\n",
                                    camera, bytes);
    memcpy(request.text + request.bytes, body, bytes);
    request.bytes += bytes;
    return request;
}

static void begin_post(struct post *post, const struct request *request) {
    post->bytes = 0;
    send_all(post->fd, request->text, request->bytes);
}

/* Reads what has come. Returns true once the answer is whole. */
static bool take_answer(struct post *post) {
    ssize_t came = recv(post->fd, post->answer + post->bytes, ANSWER_BYTES - post->bytes, 0);
    need(came > 0, "the daemon's answer");
    post->bytes += (size_t)came;
    post->answer[post->bytes] = 0;
    const char *end = strstr(post->answer, "\r\n\r\n");
    const char *length = end ? strcasestr(post->answer, "\r\nContent-Length:") : NULL;
    if (!length || post->bytes < (size_t)(end + 4 - post->answer) + strtoul(length + 17, NULL, 10))
        return false;
    need(!strncmp(post->answer, "HTTP/1.1 200", 12), post->answer);
    return true;
}

static int run_camera(const char *port, const char *name, const char *path) {
    static struct post post;
    const struct request request = read_request(name, path);
    char line[16];
    post.fd = reach(port);
    while (fgets(line, sizeof line, stdin)) {
        int64_t sent_us = now_us(CLOCK_REALTIME);
        begin_post(&post, &request);
        while (!take_answer(&post))
            ;
        int64_t answered_us = now_us(CLOCK_REALTIME);
        const char *id = strcasestr(post.answer, "\r\nInspection-Id: ");
        printf("%.*s %lld %lld\n", ID_BYTES, id ? id + 17 : "?", (long long)sent_us, (long long)answered_us);
        fflush(stdout);
    }
    return 0;
}

/* --- many cameras --- */

static int run_load(const char *port, const char *text, const char *path) {
    static struct post post[LOAD_MAX];
    struct pollfd ready[LOAD_MAX + 1] = {{.fd = STDIN_FILENO, .events = POLLIN}};
    struct request request[LOAD_MAX];
    const int count = atoi(text);
    unsigned long answers = 0;
    char line[64];
    need(count > 0 && count <= LOAD_MAX, "COUNT");
    for (int i = 0; i < count; i++) {
        snprintf(line, sizeof line, "other%d", i);
        request[i] = read_request(line, path);
        post[i].fd = reach(port);
        ready[i + 1] = (struct pollfd){.fd = post[i].fd, .events = POLLIN};
        begin_post(&post[i], &request[i]);
    }
    for (;;) {
        need(poll(ready, (nfds_t)count + 1, -1) > 0, "poll");
        for (int i = 0; i < count; i++)
            if (ready[i + 1].revents && take_answer(&post[i])) {
                answers++;
                begin_post(&post[i], &request[i]);
            }
        if (!ready[0].revents)
            continue;
        if (read(STDIN_FILENO, line, sizeof line) <= 0)
            return 0;
        printf("%lu\n", answers);
        fflush(stdout);
    }
}

/* --- the PLC --- */

struct plc {
    int fd;
    bool beat;
    unsigned char answer[300];
};

/* Sends a request to station 1 and waits for its answer. Returns the answer's data, behind the byte count. */
static const unsigned char *ask(struct plc *plc, unsigned char function, unsigned first, unsigned count,
                                int value) {
    unsigned char frame[16] = {0,
                               1,
                               0,
                               0,
                               0,
                               6,
                               1,
                               function,
                               (unsigned char)(first >> 8),
                               (unsigned char)first,
                               (unsigned char)(count >> 8),
                               (unsigned char)count,
                               1,
                               (unsigned char)value};
    const size_t bytes = function == 15 ? 14 : 12;
    frame[5] = (unsigned char)(bytes - 6);
    send_all(plc->fd, frame, bytes);
    ssize_t came = recv(plc->fd, plc->answer, sizeof plc->answer, 0);
    need(came >= 9 && plc->answer[7] == function, "the station's answer");
    return plc->answer + 9;
}

/* Enables the station, beats, and acknowledges or not. */
static void write_coils(struct plc *plc, bool acknowledge) {
    plc->beat = !plc->beat;
    ask(plc, 15, 0, 6, 1 | acknowledge << 3 | plc->beat << 5);
}

static void tell(struct plc *plc, int64_t asked_us, int64_t seen_us) {
    char id[ID_BYTES + 1] = "";
    memcpy(id, ask(plc, 4, ID_REGISTER, ID_BYTES / 2, 0), ID_BYTES);
    write_coils(plc, true);
    write_coils(plc, false);
    printf("%s %lld %lld\n", id, (long long)asked_us, (long long)seen_us);
    fflush(stdout);
}

static int run_plc(const char *port, const char *text) {
    struct plc plc = {.fd = reach(port)};
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    const long cycle_us = atol(text);
    int64_t beaten_us = now_us(CLOCK_MONOTONIC), due_us = beaten_us;
    write_coils(&plc, false);
    puts("ready");
    fflush(stdout);
    while (poll(&input, 1, 0) == 0) {
        int64_t asked_us = now_us(CLOCK_REALTIME);
        bool valid = ask(&plc, 2, 0, 10, 0)[0] >> 3 & 1;
        int64_t seen_us = now_us(CLOCK_REALTIME), us = now_us(CLOCK_MONOTONIC);
        if (valid) {
            tell(&plc, asked_us, seen_us);
        } else if (us - beaten_us > BEAT_US) {
            write_coils(&plc, false);
            beaten_us = us;
        }
        due_us = due_us + cycle_us > us ? due_us + cycle_us : us; /* a late answer is not made up for */
        const struct timespec due = {.tv_sec = due_us / 1000000, .tv_nsec = due_us % 1000000 * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
    }
    return 0;
}

int main(int count, char **argument) {
    if (count == 4 && !strcmp(argument[1], "plc"))
        return run_plc(argument[2], argument[3]);
    if (count == 5 && !strcmp(argument[1], "camera"))
        return run_camera(argument[2], argument[3], argument[4]);
    if (count == 5 && !strcmp(argument[1], "load"))
        return run_load(argument[2], argument[3], argument[4]);
    fprintf(stderr, "usage: clients plc PORT CYCLE_US | camera PORT NAME PNG | load PORT COUNT PNG\n");
    return 2;
}
