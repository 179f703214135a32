/* api/sources/folder_turn.h - do one turn of work on a watched folder: finish the files that are done, look for
 * new ones, read those that are complete. A turn runs in lane FILES and owns its state; between turns the loop
 * does. */
#ifndef INSP_API_SOURCES_FOLDER_TURN_H
#define INSP_API_SOURCES_FOLDER_TURN_H

#include "api/sources/folder_files.h"
#include "core/base/error.h"
#include "core/base/fs.h"
#include "core/line/pattern.h"

/* The names below the folder that the daemon makes itself. */
#define API_FOLDER_DONE "done"
#define API_FOLDER_FAILED "failed"
#define API_FOLDER_RESULTS "results"

enum api_folder_result { API_RESULT_NONE, API_RESULT_BESIDE, API_RESULT_FOLDER };
enum api_folder_after { API_AFTER_DELETE, API_AFTER_MOVE, API_AFTER_KEEP };

/* The settings watch.*; constant. */
struct api_folder_rules {
    const char *root; /* absolute, without "/" at its end */
    struct insp_pattern pattern;
    enum api_folder_result result;
    enum api_folder_after after;
    int64_t settle_us;
    size_t bytes_max;         /* of a file */
    struct insp_store *store; /* borrowed */
};

/* A folder with notifications. */
struct api_watch {
    int descriptor; /* of inotify */
    unsigned depth;
    char *path; /* owned: below the root, "" for the root */
};

enum { API_FOLDER_OUT_MAX = 8, API_FOLDER_HELD_MAX = 16, API_NAME_BYTES = 65 };

struct api_folder_turn {
    struct api_folder_rules rules;
    int notify; /* inotify's descriptor; -1: none */
    struct api_files files;
    struct api_watch *watch; /* [watch_count], by descriptor */
    size_t watch_count, watch_room;
    int64_t *seen; /* [seen_count]: rows that the scan has met */
    size_t seen_count, seen_room;
    bool recovered, here;
    uint64_t device, inode; /* of the folder, while it is here */
    int64_t scan_us;        /* monotonic: the next scan of the whole folder */
    int root;               /* during a turn */
    int64_t now_us;         /* monotonic: when the turn began */
    bool full;              /* there are more files than the table holds */
    bool truncated;         /* and more rows than `seen` does */

    /* in */
    unsigned room;    /* files that may be read */
    int64_t pause_us; /* monotonic: read none before */
    bool ending;      /* finish only */
    struct {
        char product[API_NAME_BYTES];
        int64_t until_us;        /* monotonic */
    } held[API_FOLDER_HELD_MAX]; /* products without a model: their files stay where they are */

    /* out */
    struct api_file *loaded[API_FOLDER_OUT_MAX]; /* with their jobs, state API_FILE_OUT */
    size_t loaded_count;
    int64_t next_us;         /* monotonic: when the next turn has something to do */
    size_t waiting, ignored; /* ignored: files of the last scan whose path does not fit */
    uint64_t failed;         /* total of files moved to "failed" */
    struct insp_error error; /* the first of the turn; code 0: none */
};

/* Runs a turn. Blocks on the disk. */
void api_folder_turn_run(struct api_folder_turn *turn);

/* Frees what the turn owns, but not its rules. */
void api_folder_turn_clear(struct api_folder_turn *turn);

/* --- shared by the steps of a turn --- */

/* Says whether a name is that of a folder which the daemon makes itself. */
bool api_folder_own_name(const char *name);

/* Returns the path of a file below the root. */
const char *api_folder_relative(const struct api_folder_turn *turn, const char *path);

/* Keeps the first error of the turn: "path: text". */
void api_folder_trouble(struct api_folder_turn *turn, const char *path, int errnum, const char *doing);

/* Notes that a file that waits was seen; a change ends its pause. */
void api_folder_see(struct api_folder_turn *turn, struct api_file *file, const struct insp_file_identity *identity,
                    bool closed);

/* Says whether a file was seen with another content than the one that was read. */
bool api_folder_changed(const struct api_file *file);

/* Makes a file wait for its inspection, as if it were new. */
void api_folder_renew(struct api_file *file);

/* Puts a file off for a while. */
void api_folder_retry(struct api_folder_turn *turn, struct api_file *file);

/* Scans the folder again after a failure. */
void api_folder_scan_later(struct api_folder_turn *turn);

/* Gives a file up because of its content, if it is final (core/line/settle.h); else it waits for that, or for a
 * change. Its state becomes API_FILE_FAILED or API_FILE_WAITING. */
void api_folder_fail(struct api_folder_turn *turn, struct api_file *file, const struct insp_error *error);

/* Writes the JSON that stands beside a failed file. *ret is the caller's; NULL without memory. */
char *api_folder_reason(const char *path, const struct insp_error *error, size_t *ret_bytes);

/* folder_finish.c: writes results and reasons, moves or removes the files, and ends their rows. */
void api_folder_finish(struct api_folder_turn *turn);

/* folder_scan.c */
void api_folder_scan(struct api_folder_turn *turn);   /* the whole folder */
void api_folder_events(struct api_folder_turn *turn); /* what inotify has to say */
void api_folder_unwatch(struct api_folder_turn *turn);

/* Asks the store about files that wait, before they are read. A file that was inspected changes its state or goes.
 * Returns false if the store does not answer. */
bool api_folder_ask(struct api_folder_turn *turn, struct api_file **files, size_t count);

/* folder_read.c: reads complete files into jobs. */
void api_folder_read(struct api_folder_turn *turn);

/* Says whether files of a product stay where they are. */
bool api_folder_holds(const struct api_folder_turn *turn, const char *product);

#endif
