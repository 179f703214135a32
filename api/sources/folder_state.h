/* api/sources/folder_state.h - declares the loop's side of a watched folder, for the files of this one. Loop
 * thread. */
#ifndef INSP_API_SOURCES_FOLDER_STATE_H
#define INSP_API_SOURCES_FOLDER_STATE_H

#include "api/sources/folder_turn.h"
#include "core/base/lanes/work.h"
#include "core/line/sink.h"

#include <stddef.h>

struct api_server;

/* A file that the pipeline has given back. */
struct api_ended {
    struct api_file *file; /* the turn's */
    char *line;            /* owned */
    size_t line_bytes;
    struct insp_error error; /* code 0: stored */
};

struct api_folder {
    struct api_folder_turn turn; /* the lane's while `turning` */
    struct insp_task task;
    struct api_server *server; /* borrowed */
    char *root, *pattern;      /* owned */
    bool started, turning, stopping, closing, closed;
    uv_timer_t timer; /* the next turn */
    uv_poll_t poll;   /* inotify; not open without */
    int handles;      /* open */
    unsigned out, out_max, failures;
    struct api_ended ended[API_FOLDER_OUT_MAX];
    size_t ended_count;
    /* as the last turn left it */
    struct insp_sink condition; /* connected: the folder is there */
    size_t waiting, ignored;
    uint64_t inspected, failed;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
};

static inline struct api_folder *api_folder_of(struct api_folder_turn *turn) {
    return (struct api_folder *)((char *)turn - offsetof(struct api_folder, turn));
}

#endif
