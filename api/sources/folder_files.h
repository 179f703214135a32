/* api/sources/folder_files.h - keep the files of a watched folder that are due: those that wait, and those whose
 * inspection or removal is in progress. One thread at a time. */
#ifndef INSP_API_SOURCES_FOLDER_FILES_H
#define INSP_API_SOURCES_FOLDER_FILES_H

#include "core/base/uuid.h"
#include "core/line/settle.h"

struct insp_inspection;

enum api_file_state {
    API_FILE_WAITING,   /* to be inspected, once it is complete */
    API_FILE_OUT,       /* with the loop or the pipeline */
    API_FILE_INSPECTED, /* stored: its result and its removal are due */
    API_FILE_FAILED,    /* it cannot be inspected: its move is due */
};

struct api_file {
    struct api_file *next, *previous; /* in the order in which they came */
    struct api_file *chain;
    enum api_file_state state;
    struct insp_settle settle;
    struct insp_watched watched; /* what was read; its path is `path` */
    int64_t retry_us;            /* monotonic: not before; 0: at any time */
    char id[INSP_UUID_BYTES];    /* of the inspection */
    char *line;                  /* owned: the JSON of the inspection or of the failure; NULL: to be read */
    size_t line_bytes;
    char *row_path;              /* owned: the path in its row; NULL: path */
    bool recovered;              /* inspected by an earlier run of the daemon, or before it was renamed */
    struct insp_inspection *job; /* owned while the turn hands it to the loop */
    char path[];                 /* absolute */
};

enum { API_FILES_MAX = 8192, API_FILES_BUCKETS = 4096 };

/* A table of files; zeroed it is empty. */
struct api_files {
    struct api_file *bucket[API_FILES_BUCKETS];
    struct api_file *head, *tail;
    size_t count;
};

/* Returns the file of a path; NULL: none. */
struct api_file *api_files_find(const struct api_files *files, const char *path);

/* Adds a file that is not in the table, the last. NULL without memory. */
struct api_file *api_files_add(struct api_files *files, const char *path);

/* Removes a file and frees it. */
void api_files_remove(struct api_files *files, struct api_file *file);

/* Removes all files that wait: they are found again when the folder is. */
void api_files_forget_waiting(struct api_files *files);

/* Removes all. */
void api_files_clear(struct api_files *files);

#endif
