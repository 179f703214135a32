#include "core/dataset/scan.h"

#include "core/base/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

void insp_scan_clear(struct insp_scan *scan) {
    for (size_t r = 0; r < INSP_PASSED_REASONS; r++)
        for (size_t i = 0; i < INSP_SCAN_EXAMPLES; i++)
            free(scan->passed[r].example[i]);
    for (size_t i = 0; i < scan->folder_count; i++)
        free(scan->folder[i].path);
    for (size_t i = 0; i < INSP_SCAN_EXAMPLES; i++)
        free(scan->duplicate_example[i]);
    free(scan->folder);
    *scan = (struct insp_scan){0};
}

/* Makes text safe for JSON, which must be UTF-8, and for terminals, which act on control characters. */
static void clean(char *text) {
    insp_utf8_clean(text);
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7F)
            *text = '?';
}

static char *clean_copy(const char *text) {
    char *copy = strdup(text);
    if (copy)
        clean(copy);
    return copy;
}

void insp_scan_pass(struct insp_scan *scan, enum insp_passed reason, const char *relative, size_t images) {
    struct insp_passed_over *passed = &scan->passed[reason];
    if (passed->count < INSP_SCAN_EXAMPLES)
        passed->example[passed->count] = clean_copy(relative);
    passed->count++;
    passed->images += images;
}

int insp_scan_folder(struct insp_scan *scan, const char *relative, const char *class,
                     struct insp_scan_folder **ret, struct insp_error *reterr) {
    struct insp_scan_folder *grown = reallocarray(scan->folder, scan->folder_count + 1, sizeof *grown);
    char *path = grown ? clean_copy(relative) : NULL;
    if (grown)
        scan->folder = grown;
    if (!path)
        return insp_fail(reterr, INSP_E_NOMEM, "no memory to list the folder %s", relative);
    struct insp_scan_folder *folder = &scan->folder[scan->folder_count++];
    *folder = (struct insp_scan_folder){.path = path};
    snprintf(folder->class, sizeof folder->class, "%s", class);
    *ret = folder;
    return 0;
}

void insp_scan_duplicate(struct insp_scan *scan, const char *a, const char *b, bool across) {
    size_t place = 0;
    while (!across && place < INSP_SCAN_EXAMPLES && scan->duplicate_example[place])
        place++;
    if (place == INSP_SCAN_EXAMPLES)
        return;
    char *text;
    if (asprintf(&text, "%s = %s", a, b) < 0)
        return;
    clean(text);
    if (across) { /* insert at the front and drop the last */
        free(scan->duplicate_example[INSP_SCAN_EXAMPLES - 1]);
        memmove(scan->duplicate_example + 1, scan->duplicate_example,
                (INSP_SCAN_EXAMPLES - 1) * sizeof *scan->duplicate_example);
    }
    scan->duplicate_example[place] = text;
}

static bool among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return false;
}

bool insp_scan_other_format(const char *name) {
    static const char *const extensions[] = {"bmp",  "tif", "tiff", "webp", "gif", "jp2", "heic", "heif",
                                             "avif", "pgm", "ppm",  "pnm",  "raw", "dng", "jfif", "jpe"};
    const char *dot = strrchr(name, '.');
    return dot && among(dot + 1, extensions, INSP_COUNT(extensions));
}
