#include "api/sources/folder_files.h"

#include "core/inspect/inspection.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static size_t bucket_of(const char *path) {
    uint32_t hash = 2166136261U;
    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 16777619U;
    return hash % API_FILES_BUCKETS;
}

struct api_file *api_files_find(const struct api_files *files, const char *path) {
    struct api_file *file = files->bucket[bucket_of(path)];
    while (file && strcmp(file->path, path) != 0)
        file = file->chain;
    return file;
}

struct api_file *api_files_add(struct api_files *files, const char *path) {
    size_t bytes = strlen(path) + 1;
    struct api_file *file = calloc(1, sizeof *file + bytes);
    if (!file)
        return NULL;
    memcpy(file->path, path, bytes);
    file->watched.path = file->path;
    struct api_file **bucket = &files->bucket[bucket_of(path)];
    file->chain = *bucket;
    *bucket = file;
    file->previous = files->tail;
    if (files->tail)
        files->tail->next = file;
    else
        files->head = file;
    files->tail = file;
    files->count++;
    return file;
}

void api_files_remove(struct api_files *files, struct api_file *file) {
    struct api_file **at = &files->bucket[bucket_of(file->path)];
    while (*at != file)
        at = &(*at)->chain;
    *at = file->chain;
    if (file->previous)
        file->previous->next = file->next;
    else
        files->head = file->next;
    if (file->next)
        file->next->previous = file->previous;
    else
        files->tail = file->previous;
    files->count--;
    insp_inspection_free(file->job);
    free(file->row_path);
    free(file->line);
    free(file);
}

void api_files_forget_waiting(struct api_files *files) {
    for (struct api_file *file = files->head, *next; file; file = next) {
        next = file->next;
        if (file->state == API_FILE_WAITING)
            api_files_remove(files, file);
    }
}

void api_files_clear(struct api_files *files) {
    while (files->head)
        api_files_remove(files, files->head);
}
