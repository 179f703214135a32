#include "api/http/query.h"
#include "api/sources/folder_tree.h"
#include "api/sources/folder_turn.h"

#include "core/base/clock.h"
#include "core/base/utf8.h"
#include "core/inspect/inspection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BYTES_AT_ONCE = 64 << 20 }; /* of the bodies that a turn reads; one may be larger */

/* Makes a camera or part of the bytes of a name: bytes that are no UTF-8, and control characters, become %XX. */
static bool make_tag(const char *name, char ret[INSP_TAG_BYTES]) {
    size_t used = 0;
    ret[0] = 0;
    while (*name) {
        uint32_t character = 0;
        char piece[8] = "";
        size_t bytes = insp_utf8_step(name, &character);
        if (bytes)
            memcpy(piece, name, bytes);
        if (!bytes || !api_tag_valid(piece)) {
            snprintf(piece, sizeof piece, "%%%02X", (unsigned char)*name);
            bytes = 1;
        }
        size_t more = strlen(piece);
        if (used + more >= INSP_TAG_BYTES)
            return false;
        memcpy(ret + used, piece, more + 1);
        used += more;
        name += bytes;
    }
    return true;
}

/* Says whether the same file is on its way under another name: it was renamed meanwhile. */
static bool is_on_its_way(const struct api_folder_turn *turn, const struct api_file *file) {
    for (const struct api_file *other = turn->files.head; other; other = other->next)
        if (other != file && other->state != API_FILE_WAITING &&
            insp_file_same(&other->watched.identity, &file->settle.identity))
            return true;
    return false;
}

static void give_up(struct api_folder_turn *turn, struct api_file *file, int code, const char *why) {
    struct insp_error error;
    insp_fail(&error, code, "%s", why);
    file->watched.identity = file->settle.identity;
    api_folder_fail(turn, file, &error);
}

static int make_job(struct api_folder_turn *turn, struct api_file *file, uint8_t *body, size_t bytes) {
    struct insp_path_fields fields;
    struct insp_inspection *job = insp_inspection_new();
    if (!job) {
        free(body);
        return -ENOMEM;
    }
    job->body = body;
    job->body_bytes = bytes;
    job->type.media = insp_image_sniff(body, bytes);
    job->watched = &file->watched;
    job->received_us = insp_wall_us();
    job->started_us = insp_mono_us();
    file->job = job;
    file->state = API_FILE_OUT;
    memcpy(file->id, job->id, sizeof file->id);
    insp_pattern_path(&turn->rules.pattern, api_folder_relative(turn, file->path), &fields);
    if (!make_tag(fields.camera, job->camera) || !make_tag(fields.part, job->part)) {
        insp_inspection_free(insp_take_ptr(file->job));
        give_up(turn, file, INSP_E_PARAMETER, "the name of the camera or of the part is longer than 128 bytes");
        return 0;
    }
    turn->loaded[turn->loaded_count++] = file;
    return 0;
}

/* Decides about a file that was not read. */
static void not_read(struct api_folder_turn *turn, struct api_file *file, int r) {
    char why[128];
    switch (-r) {
    case EAGAIN: /* it changes; it is looked at again */
        break;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:  /* a link */
    case EINVAL: /* a folder, a device */
        api_files_remove(&turn->files, file);
        break;
    case EFBIG:
        snprintf(why, sizeof why, "the file has %lld bytes, more than limits.body_bytes (%zu)",
                 (long long)file->settle.identity.size, turn->rules.bytes_max);
        give_up(turn, file, INSP_E_TOO_LARGE, why);
        break;
    case EACCES:
    case EPERM:
        give_up(turn, file, INSP_E_PERMISSION, "the daemon may not read the file");
        break;
    default:
        api_folder_trouble(turn, api_folder_relative(turn, file->path), -r, "read");
        api_folder_retry(turn, file);
    }
}

/* Reads one file, and returns the bytes that it takes. */
static size_t read_file(struct api_folder_turn *turn, struct api_file *file) {
    struct insp_file_identity identity = file->settle.identity;
    uint8_t *body = NULL;
    size_t bytes = 0;
    int r = api_tree_read(turn->root, api_folder_relative(turn, file->path), turn->rules.bytes_max, &identity,
                          &body, &bytes);
    bool changed = !insp_file_same(&identity, &file->settle.identity);
    api_folder_see(turn, file, &identity, false);
    if (changed || r < 0) { /* not complete after all */
        free(body);
        if (r < 0)
            not_read(turn, file, r);
        return 0;
    }
    file->watched.identity = identity;
    if (bytes == 0) {
        free(body);
        give_up(turn, file, INSP_E_EMPTY_BODY, "the file is empty");
        return 0;
    }
    r = make_job(turn, file, body, bytes);
    if (r < 0)
        not_read(turn, file, r);
    return bytes;
}

static bool is_due(const struct api_folder_turn *turn, const struct api_file *file) {
    return file->state == API_FILE_WAITING && file->retry_us <= turn->now_us &&
           insp_settle_due_us(&file->settle, turn->rules.settle_us) <= turn->now_us;
}

static bool is_held(const struct api_folder_turn *turn, const struct api_file *file) {
    struct insp_path_fields fields;
    return insp_pattern_path(&turn->rules.pattern, api_folder_relative(turn, file->path), &fields) &&
           api_folder_holds(turn, fields.product);
}

/* Chooses files that are complete, the first that came first. */
static size_t choose(struct api_folder_turn *turn, struct api_file *chosen[API_FOLDER_OUT_MAX]) {
    size_t count = 0;
    for (struct api_file *file = turn->files.head, *next; file && count < turn->room; file = next) {
        next = file->next;
        if (!is_due(turn, file))
            continue;
        if (is_held(turn, file))
            api_files_remove(&turn->files, file); /* the scan finds it when its product has a model */
        else if (!is_on_its_way(turn, file))
            chosen[count++] = file;
        else
            api_folder_retry(turn, file);
    }
    return count;
}

void api_folder_read(struct api_folder_turn *turn) {
    struct api_file *chosen[API_FOLDER_OUT_MAX];
    size_t count = choose(turn, chosen), bytes = 0;
    char path[API_FOLDER_OUT_MAX][INSP_PATH_BYTES];
    for (size_t i = 0; i < count; i++)
        snprintf(path[i], sizeof path[i], "%s", chosen[i]->path);
    if (!count || !api_folder_ask(turn, chosen, count))
        return;
    for (size_t i = 0; i < count && bytes < BYTES_AT_ONCE; i++) {
        struct api_file *file = api_files_find(&turn->files, path[i]); /* it may have gone */
        if (file && file->state == API_FILE_WAITING)
            bytes += read_file(turn, file);
    }
}
