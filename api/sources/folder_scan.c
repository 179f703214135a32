/* Finds the files of a watched folder: by walking through it, and by notifications of the kernel. Both are needed:
 * the kernel tells when a writer has closed a file, but nothing about files from before the start, about those
 * that another machine writes to a network folder, and about those that did not fit into its queue. */
#include "api/sources/folder_tree.h"
#include "api/sources/folder_turn.h"

#include "core/base/cleanup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BATCH = 128, WATCHES_MAX = 4096, SEEN_MAX = 1 << 20, EVENTS_BYTES = 32 << 10, READS_MAX = 16 };

/* A file that was met. */
struct met {
    struct insp_watched watched; /* its path is owned */
    bool closed;
    bool known, pending; /* it has a row */
    int64_t row;
    char id[INSP_UUID_BYTES];
    char *row_path; /* owned: NULL: the same path */
};

struct walk {
    struct api_folder_turn *turn;
    struct met met[BATCH];
    size_t count;
    bool failed; /* the store does not answer */
};

/* --- watches --- */

void api_folder_unwatch(struct api_folder_turn *turn) {
    for (size_t i = 0; i < turn->watch_count; i++) {
        if (turn->notify >= 0)
            inotify_rm_watch(turn->notify, turn->watch[i].descriptor);
        free(turn->watch[i].path);
    }
    turn->watch_count = 0;
}

static int compare_watch(const void *a, const void *b) {
    const struct api_watch *x = a, *y = b;
    return (x->descriptor > y->descriptor) - (x->descriptor < y->descriptor);
}

static struct api_watch *find_watch(const struct api_folder_turn *turn, int descriptor) {
    struct api_watch key = {.descriptor = descriptor};
    return turn->watch_count ? bsearch(&key, turn->watch, turn->watch_count, sizeof key, compare_watch) : NULL;
}

static bool make_room(struct api_folder_turn *turn) {
    if (turn->watch_count < turn->watch_room)
        return true;
    size_t room = turn->watch_room ? 2 * turn->watch_room : 64;
    struct api_watch *more = reallocarray(turn->watch, room, sizeof *more);
    if (!more)
        return false;
    turn->watch = more;
    turn->watch_room = room;
    return true;
}

/* Watches a folder. Without a notification its files are found by the scans. */
static void watch(struct api_folder_turn *turn, const char *path, unsigned depth) {
    char whole[INSP_PATH_BYTES];
    if (turn->notify < 0 || turn->watch_count == WATCHES_MAX || !make_room(turn))
        return;
    snprintf(whole, sizeof whole, "%s/%s", turn->rules.root, path);
    int descriptor = inotify_add_watch(turn->notify, whole,
                                       IN_CLOSE_WRITE | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF |
                                           IN_ONLYDIR | (*path ? IN_DONT_FOLLOW : 0));
    struct api_watch *known = descriptor < 0 ? NULL : find_watch(turn, descriptor);
    char *copy = descriptor < 0 ? NULL : strdup(path);
    if (!copy) {
        if (descriptor < 0 && errno == ENOSPC)
            api_folder_trouble(turn, path, errno, "watch (fs.inotify.max_user_watches)");
        return;
    }
    if (known) {
        free(known->path);
        *known = (struct api_watch){descriptor, depth, copy};
        return;
    }
    turn->watch[turn->watch_count++] = (struct api_watch){descriptor, depth, copy};
    /* The kernel counts up, so that the list is in order but for the day on which it begins again. */
    qsort(turn->watch, turn->watch_count, sizeof *turn->watch, compare_watch);
}

static void forget_watch(struct api_folder_turn *turn, struct api_watch *gone) {
    free(gone->path);
    size_t behind = turn->watch_count - (size_t)(gone - turn->watch) - 1;
    memmove(gone, gone + 1, behind * sizeof *gone);
    turn->watch_count--;
}

/* --- the rows of files that were met --- */

static void found(void *arg, size_t index, const struct insp_watched_row *row) {
    struct walk *walk = arg;
    struct met *met = &walk->met[index];
    met->known = true;
    met->pending = row->pending;
    met->row = row->row;
    memcpy(met->id, row->id, sizeof met->id);
    if (strcmp(row->file.path, met->watched.path) != 0)
        met->row_path = strdup(row->file.path);
}

static void note_seen(struct api_folder_turn *turn, int64_t row) {
    if (turn->seen_count == turn->seen_room) {
        size_t room = turn->seen_room ? 2 * turn->seen_room : 256;
        int64_t *more = room > SEEN_MAX ? NULL : reallocarray(turn->seen, room, sizeof *more);
        if (!more) {
            turn->truncated = true; /* without all of them nothing may be pruned */
            return;
        }
        turn->seen = more;
        turn->seen_room = room;
    }
    turn->seen[turn->seen_count++] = row;
}

/* Says whether the row of another path is that of this file: it was renamed. Else both names exist, and are two
 * files. */
static bool was_renamed(const struct api_folder_turn *turn, const struct met *met) {
    struct insp_file_identity there;
    size_t bytes = strlen(turn->rules.root);
    const char *path = met->row_path;
    if (strncmp(path, turn->rules.root, bytes) != 0 || path[bytes] != '/')
        return true; /* it came from a folder that was watched before */
    return api_tree_stat(turn->root, path + bytes + 1, &there, NULL) != 0 ||
           !insp_file_same(&there, &met->watched.identity);
}

/* Gives a file that an earlier run, or this one under another name, has inspected to the finish. */
static void finish_later(struct api_folder_turn *turn, struct met *met, struct api_file *file) {
    if (!file && !(file = api_files_add(&turn->files, met->watched.path)))
        return; /* the next scan finds it again */
    file->state = API_FILE_INSPECTED;
    file->watched.identity = met->watched.identity;
    file->recovered = true;
    file->row_path = insp_take_ptr(met->row_path);
    memcpy(file->id, met->id, sizeof file->id);
}

static void note_waiting(struct api_folder_turn *turn, const struct met *met, struct api_file *file) {
    if (!file && turn->files.count >= API_FILES_MAX) {
        turn->full = true;
        return;
    }
    if (!file)
        file = api_files_add(&turn->files, met->watched.path);
    if (file)
        api_folder_see(turn, file, &met->watched.identity, met->closed);
}

/* Decides what becomes of a file that was met. file: its entry, which waits; NULL: none. */
static void take(struct api_folder_turn *turn, struct met *met, struct api_file *file) {
    bool moved = met->known && met->row_path;
    if (moved && (api_files_find(&turn->files, met->row_path) || !was_renamed(turn, met)))
        met->known = false; /* two files; or the other name is being finished, and ours waits for that */
    if (!met->known) {
        note_waiting(turn, met, file);
        return;
    }
    note_seen(turn, met->row);
    if (met->pending || moved || turn->rules.after != API_AFTER_KEEP)
        finish_later(turn, met, file);
    else if (file)
        api_files_remove(&turn->files, file);
}

static void clear(struct walk *walk) {
    for (size_t i = 0; i < walk->count; i++) {
        union {
            const char *constant;
            char *owned;
        } path = {walk->met[i].watched.path};
        free(path.owned);
        free(walk->met[i].row_path);
    }
    walk->count = 0;
}

static bool ask(struct walk *walk) {
    struct insp_watched files[BATCH];
    struct insp_error error;
    for (size_t i = 0; i < walk->count; i++)
        files[i] = walk->met[i].watched;
    int r = walk->count ? insp_watched_find(walk->turn->rules.store, files, walk->count, found, walk, &error) : 0;
    if (r < 0 && !walk->turn->error.code)
        walk->turn->error = error;
    return r == 0;
}

static void flush(struct walk *walk) {
    if (!ask(walk)) {
        walk->failed = true;
        api_folder_scan_later(walk->turn);
    } else {
        for (size_t i = 0; i < walk->count; i++) {
            struct api_file *file = api_files_find(&walk->turn->files, walk->met[i].watched.path);
            if (!file || file->state == API_FILE_WAITING)
                take(walk->turn, &walk->met[i], file);
        }
    }
    clear(walk);
}

bool api_folder_ask(struct api_folder_turn *turn, struct api_file **files, size_t count) {
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return false;
    walk->turn = turn;
    for (size_t i = 0; i < count && i < BATCH; i++) {
        char *path = strdup(files[i]->path);
        if (path)
            walk->met[walk->count++] = (struct met){.watched = {path, files[i]->settle.identity}};
    }
    bool complete = walk->count == count;
    flush(walk);
    bool answered = complete && !walk->failed;
    free(walk);
    return answered;
}

/* --- names --- */

/* Says whether a name is never looked at: hidden ones, such as those of an upload in progress, and results. */
static bool is_left_out(const char *name, unsigned depth) {
    size_t bytes = strlen(name);
    return *name == '.' || (bytes > 5 && !strcasecmp(name + bytes - 5, ".json")) ||
           (depth == 0 && api_folder_own_name(name));
}

static void meet(struct walk *walk, const char *path, const struct insp_file_identity *identity, bool closed) {
    struct api_folder_turn *turn = walk->turn;
    struct insp_path_fields fields;
    char whole[INSP_PATH_BYTES];
    int n = snprintf(whole, sizeof whole, "%s/%s", turn->rules.root, path);
    if (n < 0 || (size_t)n >= sizeof whole || !insp_pattern_path(&turn->rules.pattern, path, &fields) ||
        !insp_name_valid(fields.product)) {
        turn->ignored++;
        return;
    }
    struct api_file *file = api_files_find(&turn->files, whole);
    if (file && file->state != API_FILE_WAITING) {
        api_folder_see(turn, file, identity, closed); /* it may have changed since it was read */
        return;
    }
    if (api_folder_holds(turn, fields.product))
        return;
    char *copy = strdup(whole);
    if (!copy)
        return; /* the next scan finds it again */
    walk->met[walk->count++] = (struct met){.watched = {copy, *identity}, .closed = closed};
    if (walk->count == BATCH)
        flush(walk);
}

/* --- the walk --- */

static void walk_folder(struct walk *walk, const char *path, unsigned depth);

static void walk_entry(struct walk *walk, int fd, const char *folder, const char *name, unsigned depth) {
    struct api_folder_turn *turn = walk->turn;
    struct insp_path_fields fields;
    struct insp_file_identity identity;
    char path[INSP_PATH_BYTES];
    bool last = depth + 1 == turn->rules.pattern.segments;
    if (is_left_out(name, depth))
        return;
    int n = snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    int r = api_tree_stat(fd, name, &identity, NULL);
    if (r == 0 && last)
        meet(walk, path, &identity, false);
    else if (r == 0)
        turn->ignored++;
    else if (r == -EINVAL && !last && insp_pattern_name(&turn->rules.pattern, depth, name, &fields))
        walk_folder(walk, path, depth + 1);
}

/* Walks through a folder, the files of which have the segment `depth`. */
static void walk_folder(struct walk *walk, const char *path, unsigned depth) {
    struct api_folder_turn *turn = walk->turn;
    char inside[INSP_PATH_BYTES];
    snprintf(inside, sizeof inside, "%s%s.", path, *path ? "/" : "");
    int fd = api_tree_parent(turn->root, inside, false);
    if (fd < 0) {
        if (fd != -ENOENT && fd != -ENOTDIR && fd != -ELOOP)
            api_folder_trouble(turn, path, -fd, "read");
        return;
    }
    watch(turn, path, depth); /* first, so that no file comes between the list and the watch */
    /* Opened once more: the descriptor of the root's path shares its position with the root's. */
    int list = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(fd);
    DIR *folder = list < 0 ? NULL : fdopendir(list);
    if (!folder) {
        api_folder_trouble(turn, path, errno, "read");
        if (list >= 0)
            close(list);
        return;
    }
    const struct dirent *entry;
    while (!walk->failed && (entry = readdir(folder)))
        walk_entry(walk, dirfd(folder), path, entry->d_name, depth);
    closedir(folder);
}

static int compare_rows(const void *a, const void *b) {
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void prune(struct api_folder_turn *turn) {
    struct insp_error error;
    if (turn->seen_count)
        qsort(turn->seen, turn->seen_count, sizeof *turn->seen, compare_rows);
    if (insp_watched_prune(turn->rules.store, turn->rules.root, turn->seen, turn->seen_count, &error) &&
        !turn->error.code)
        turn->error = error;
}

void api_folder_scan(struct api_folder_turn *turn) {
    struct walk *walk = calloc(1, sizeof *walk);
    if (!walk)
        return; /* the next scan comes in a minute */
    walk->turn = turn;
    turn->ignored = 0;
    turn->seen_count = 0;
    turn->truncated = turn->full = false;
    walk_folder(walk, "", 0);
    flush(walk);
    if (!walk->failed && !turn->truncated && !turn->full && !turn->error.code)
        prune(turn);
    free(walk);
}

/* --- notifications --- */

static void on_name(struct walk *walk, const struct api_watch *from, const struct inotify_event *event) {
    struct api_folder_turn *turn = walk->turn;
    struct insp_path_fields fields;
    struct insp_file_identity identity;
    char path[INSP_PATH_BYTES];
    bool last = from->depth + 1 == turn->rules.pattern.segments;
    if (is_left_out(event->name, from->depth))
        return;
    int n = snprintf(path, sizeof path, "%s%s%s", from->path, *from->path ? "/" : "", event->name);
    if (n < 0 || (size_t)n >= sizeof path)
        return;
    if (event->mask & IN_ISDIR) {
        if (!last && insp_pattern_name(&turn->rules.pattern, from->depth, event->name, &fields))
            walk_folder(walk, path, from->depth + 1);
    } else if (last && api_tree_stat(turn->root, path, &identity, NULL) == 0) {
        meet(walk, path, &identity, (event->mask & (IN_CLOSE_WRITE | IN_MOVED_TO)) != 0);
    }
}

static void on_event(struct walk *walk, const struct inotify_event *event) {
    struct api_folder_turn *turn = walk->turn;
    struct api_watch *from = find_watch(turn, event->wd);
    if (event->mask & (IN_Q_OVERFLOW | IN_DELETE_SELF | IN_MOVE_SELF))
        turn->scan_us = turn->now_us;
    if (from && event->mask & IN_IGNORED)
        forget_watch(turn, from);
    else if (from && event->len)
        on_name(walk, from, event);
}

void api_folder_events(struct api_folder_turn *turn) {
    _cleanup_free_ char *buffer = turn->notify < 0 ? NULL : malloc(EVENTS_BYTES);
    struct walk *walk = buffer ? calloc(1, sizeof *walk) : NULL;
    ssize_t got;
    if (!walk)
        return;
    walk->turn = turn;
    for (int i = 0; i < READS_MAX && (got = read(turn->notify, buffer, EVENTS_BYTES)) > 0; i++)
        for (char *at = buffer; at < buffer + got;) {
            struct inotify_event event;
            memcpy(&event, at, sizeof event);
            on_event(walk, (const struct inotify_event *)(void *)at);
            at += sizeof event + event.len;
        }
    flush(walk);
    free(walk);
}
