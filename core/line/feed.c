#include "core/line/feed.h"

#include "core/base/clock.h"
#include "core/base/log.h"

#include <stdlib.h>
#include <string.h>

/* An inspection on its way, or (message NULL) the end of a range of places that retention has emptied. */
struct item {
    struct item *next;
    int64_t place;
    int64_t received_us; /* wall */
    uint64_t gap;        /* places between the item before and this one that retention has emptied */
    void *message;       /* owned */
    size_t bytes;
    bool done;
    enum insp_feed_outcome outcome;
};

struct items {
    struct item *head, *tail;
    unsigned count;
    size_t bytes;
};

/* One read of the store. It belongs to the task while that runs. */
struct reading {
    struct insp_task task;
    bool running, stale; /* stale: insp_feed_shut was called meanwhile */
    int64_t after, newest, through;
    unsigned limit;
    size_t room_bytes;
    struct items items;
    int code;
    struct insp_error error;
};

struct writing {
    struct insp_task task;
    bool running;
    int64_t place;
    uint64_t delivered, lost;
    int code;
    struct insp_error error;
};

struct insp_feed {
    struct insp_feed_config config;
    int64_t place;
    int64_t newest;           /* that is known, from reads and from what came */
    int64_t published;        /* the place of the last inspection that came; the store may be ahead of it */
    bool came;                /* an inspection was published since the last read began */
    uint64_t delivered, lost; /* totals */
    uint64_t new_delivered, new_lost; /* not written yet */
    int64_t written_place;
    int64_t oldest_us;
    bool open, sending;
    struct items items;
    struct reading reading;
    struct writing writing;
    bool failed; /* the last read or write did */
    struct insp_error error;
    bool closing, last_write;
    void (*closed)(void *arg);
    void *closed_arg;
};

static void pump(struct insp_feed *feed);

static void append(struct items *items, struct item *item) {
    item->next = NULL;
    if (items->tail)
        items->tail->next = item;
    else
        items->head = item;
    items->tail = item;
    items->count++;
    items->bytes += item->bytes;
}

static struct item *take_head(struct items *items) {
    struct item *item = items->head;
    items->head = item->next;
    if (!items->head)
        items->tail = NULL;
    items->count--;
    items->bytes -= item->bytes;
    return item;
}

static void free_item(struct item *item) {
    free(item->message);
    free(item);
}

static void clear(struct items *items) {
    while (items->head)
        free_item(take_head(items));
}

static void note(struct insp_feed *feed, int code, const struct insp_error *error) {
    if (code < 0 && (!feed->failed || feed->error.code != error->code))
        insp_log_warning("the store does not serve a sink name=%s detail=%s", feed->config.name,
                         INSP_LOG_QUOTED(error->detail));
    feed->failed = code < 0;
    if (code < 0)
        feed->error = *error;
}

/* --- reading, in lane BACK --- */

static int add_gap(struct reading *reading, int64_t place) {
    int64_t before = reading->items.tail ? reading->items.tail->place : reading->after;
    struct item *item = calloc(1, sizeof *item);
    if (!item)
        return INSP_E_NOMEM;
    *item = (struct item){.place = place, .gap = (uint64_t)(place - before), .done = true};
    append(&reading->items, item);
    return 0;
}

static int add_record(void *arg, int64_t place, const struct insp_record *record) {
    struct insp_feed *feed = arg;
    struct reading *reading = &feed->reading;
    int64_t before = reading->items.tail ? reading->items.tail->place : reading->after;
    struct item *item = calloc(1, sizeof *item);
    if (item)
        item->message = feed->config.ops->render(feed->config.arg, place, record, &item->bytes);
    if (!item || !item->message) {
        free(item);
        reading->code = insp_fail(&reading->error, INSP_E_NOMEM, "no memory for the message of an inspection");
        return 1;
    }
    item->place = place;
    item->received_us = record->received_us;
    item->gap = (uint64_t)(place - before - 1);
    append(&reading->items, item);
    return reading->items.bytes >= reading->room_bytes;
}

static void read_run(struct insp_task *task) {
    struct insp_feed *feed = task->data;
    struct reading *reading = &feed->reading;
    int code = insp_outbox_page(feed->config.store, reading->after, reading->limit, add_record, feed,
                                &reading->newest, &reading->through, &reading->error);
    if (code < 0)
        reading->code = code;
    int64_t last = reading->items.tail ? reading->items.tail->place : reading->after;
    if (reading->code == 0 && reading->through > last)
        reading->code = add_gap(reading, reading->through);
}

/* --- the loop --- */

static void send_new(struct insp_feed *feed, struct item *from) {
    feed->sending = true;
    for (struct item *item = from; item && feed->open; item = item->next)
        if (item->message && feed->config.ops->send(feed->config.arg, item->place, item->message) < 0)
            break; /* insp_feed_shut follows */
    feed->sending = false;
}

/* Moves the cursor over the items that are done, up to the first that is not. */
static void advance(struct insp_feed *feed) {
    while (feed->items.head && feed->items.head->done) {
        struct item *item = take_head(&feed->items);
        uint64_t lost = item->gap + (item->outcome == INSP_FEED_LOST);
        uint64_t delivered = item->message && item->outcome == INSP_FEED_DELIVERED;
        feed->place = item->place;
        feed->delivered += delivered;
        feed->new_delivered += delivered;
        feed->lost += lost;
        feed->new_lost += lost;
        if (lost)
            insp_log_warning("inspections did not reach a sink name=%s lost=%llu", feed->config.name,
                             (unsigned long long)lost);
        free_item(item);
    }
    if (feed->items.head && feed->items.head->received_us)
        feed->oldest_us = feed->items.head->received_us;
    else if (feed->place >= feed->newest)
        feed->oldest_us = 0;
}

static void finish_close(struct insp_feed *feed);

static void read_done(struct insp_task *task) {
    struct insp_feed *feed = task->data;
    struct reading *reading = &feed->reading;
    reading->running = false;
    note(feed, reading->code, &reading->error);
    if (reading->stale || feed->closing) {
        clear(&reading->items);
    } else {
        struct item *first = reading->items.head;
        if (reading->code == 0 && reading->newest > feed->newest)
            feed->newest = reading->newest;
        if (first && feed->items.tail)
            feed->items.tail->next = first;
        else if (first)
            feed->items.head = first;
        if (first)
            feed->items.tail = reading->items.tail;
        feed->items.count += reading->items.count;
        feed->items.bytes += reading->items.bytes;
        reading->items = (struct items){0};
        send_new(feed, first);
        advance(feed);
    }
    if (feed->closing)
        finish_close(feed);
    else if (reading->code == 0)
        pump(feed); /* after a failure insp_feed_tick does */
}

/* Begins to read if the sink takes messages, there are some, and the window has room. It reads again when half of
 * the window is free, so that a busy sink is not read for one inspection at a time. */
static void pump(struct insp_feed *feed) {
    struct reading *reading = &feed->reading;
    int64_t after = feed->items.tail ? feed->items.tail->place : feed->place;
    if (!feed->open || feed->closing || reading->running || (after >= feed->newest && !feed->came) ||
        feed->items.count > feed->config.window / 2 || feed->items.bytes > feed->config.window_bytes / 2)
        return;
    *reading = (struct reading){.task = {.run = read_run, .done = read_done, .data = feed},
                                .running = true,
                                .after = after,
                                .limit = feed->config.window - feed->items.count,
                                .room_bytes = feed->config.window_bytes - feed->items.bytes};
    feed->came = false;
    insp_work_always(feed->config.lanes, INSP_LANE_BACK, &reading->task);
}

void insp_feed_came(struct insp_feed *feed) {
    if (feed->place >= feed->newest)
        feed->oldest_us = insp_wall_us();
    if (++feed->published > feed->newest)
        feed->newest = feed->published;
    feed->came = true;
    pump(feed);
}

void insp_feed_open(struct insp_feed *feed) {
    feed->open = true;
    pump(feed);
}

void insp_feed_shut(struct insp_feed *feed) {
    feed->open = false;
    feed->reading.stale = true;
    clear(&feed->items);
}

void insp_feed_done(struct insp_feed *feed, int64_t place, enum insp_feed_outcome outcome) {
    for (struct item *item = feed->items.head; item && item->place <= place; item = item->next) {
        if (item->place != place || item->done)
            continue;
        item->done = true;
        item->outcome = outcome;
        if (!feed->sending) {
            advance(feed);
            pump(feed);
        }
        return;
    }
}

/* --- writing the cursor --- */

static void write_run(struct insp_task *task) {
    struct insp_feed *feed = task->data;
    struct writing *writing = &feed->writing;
    writing->code = insp_outbox_advance(feed->config.store, feed->config.name, writing->place, writing->delivered,
                                        writing->lost, &writing->error);
}

static void write_done(struct insp_task *task) {
    struct insp_feed *feed = task->data;
    struct writing *writing = &feed->writing;
    writing->running = false;
    note(feed, writing->code, &writing->error);
    if (writing->code == 0) {
        feed->written_place = writing->place;
        feed->new_delivered -= writing->delivered;
        feed->new_lost -= writing->lost;
    }
    if (feed->closing)
        finish_close(feed);
}

static void write_cursor(struct insp_feed *feed) {
    struct writing *writing = &feed->writing;
    *writing = (struct writing){.task = {.run = write_run, .done = write_done, .data = feed},
                                .running = true,
                                .place = feed->place,
                                .delivered = feed->new_delivered,
                                .lost = feed->new_lost};
    insp_work_always(feed->config.lanes, INSP_LANE_BACK, &writing->task);
}

void insp_feed_tick(struct insp_feed *feed) {
    if (!feed->writing.running && feed->place != feed->written_place)
        write_cursor(feed);
    pump(feed);
}

/* --- life --- */

int insp_feed_new(const struct insp_feed_config *config, struct insp_feed **ret, struct insp_error *reterr) {
    struct insp_outbox_state state;
    int code = insp_outbox_state(config->store, config->name, &state, reterr);
    if (code < 0)
        return code;
    struct insp_feed *feed = calloc(1, sizeof *feed);
    if (!feed)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory for the feed of a sink");
    feed->config = *config;
    feed->place = feed->written_place = state.place;
    feed->newest = feed->published = state.newest;
    feed->delivered = state.delivered;
    feed->lost = state.lost;
    feed->oldest_us = state.oldest_us;
    *ret = feed;
    return 0;
}

void insp_feed_free(struct insp_feed *feed) {
    if (!feed)
        return;
    clear(&feed->items);
    free(feed);
}

void insp_feed_status(const struct insp_feed *feed, struct insp_feed_status *ret) {
    *ret = (struct insp_feed_status){.newest = feed->newest,
                                     .waiting =
                                         feed->newest > feed->place ? (uint64_t)(feed->newest - feed->place) : 0,
                                     .oldest_us = feed->oldest_us,
                                     .delivered = feed->delivered,
                                     .lost = feed->lost,
                                     .failure = feed->failed ? feed->error.detail : ""};
}

/* Called after each task: waits for both, then writes the cursor once more. Runs `write_cursor` even if nothing is
 * to be written, so that `closed` never runs inside insp_feed_close. */
static void finish_close(struct insp_feed *feed) {
    if (feed->reading.running || feed->writing.running)
        return;
    if (!feed->last_write) {
        feed->last_write = true;
        write_cursor(feed);
        return;
    }
    void (*closed)(void *arg) = feed->closed;
    void *arg = feed->closed_arg;
    insp_feed_free(feed);
    closed(arg);
}

void insp_feed_close(struct insp_feed *feed, void (*closed)(void *arg), void *arg) {
    insp_feed_shut(feed);
    feed->closing = true;
    feed->closed = closed;
    feed->closed_arg = arg;
    finish_close(feed);
}
