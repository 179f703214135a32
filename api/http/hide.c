#include "api/http/hide.h"

#include "core/base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void api_hidden_add(struct api_hidden *hidden, const char *folders, const char *label) {
    while (*folders && hidden->count < API_HIDDEN_MAX) {
        size_t length = strcspn(folders, ":"), bytes = length;
        while (bytes && folders[bytes - 1] == '/')
            bytes--;
        if (bytes) {
            hidden->item[hidden->count].folder = folders;
            hidden->item[hidden->count].bytes = bytes;
            hidden->item[hidden->count++].label = label;
        }
        folders += length + (folders[length] == ':');
    }
}

/* Says whether a byte can be part of a path component. */
static bool within_name(char c) {
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (unsigned char)c >= 0x80 ||
           (c && strchr("._-", c));
}

/* Says whether a path component ends here. A full stop at the end of a sentence is not part of a name. */
static bool ends(const char *at) {
    return *at == '.' ? !within_name(at[1]) : !within_name(*at);
}

/* Finds the longest folder that begins at `at`; API_HIDDEN_MAX for none. */
static size_t find(const struct api_hidden *hidden, const char *text, const char *at) {
    size_t best = API_HIDDEN_MAX;
    if (at > text && (within_name(at[-1]) || at[-1] == '/'))
        return best;
    for (size_t i = 0; i < hidden->count; i++) {
        size_t bytes = hidden->item[i].bytes;
        if (!strncmp(at, hidden->item[i].folder, bytes) && ends(at + bytes) &&
            (best == API_HIDDEN_MAX || bytes > hidden->item[best].bytes))
            best = i;
    }
    return best;
}

void api_hide(const struct api_hidden *hidden, char *text, size_t bytes) {
    if (!hidden)
        return;
    _cleanup_free_ char *copy = strdup(text);
    size_t used = 0;
    if (!copy) { /* no text is better than one that names folders */
        text[0] = 0;
        return;
    }
    for (const char *at = copy; *at && used + 1 < bytes;) {
        size_t which = find(hidden, copy, at);
        if (which == API_HIDDEN_MAX) {
            text[used++] = *at++;
            continue;
        }
        const char *label = hidden->item[which].label;
        used += (size_t)snprintf(text + used, bytes - used, "%s", label);
        at += hidden->item[which].bytes;
    }
    text[used < bytes ? used : bytes - 1] = 0;
}

static void hide_string(const struct api_hidden *hidden, json_t *json) {
    char text[4096];
    for (size_t i = 0; i < hidden->count; i++) {
        if (!memmem(json_string_value(json), json_string_length(json), hidden->item[i].folder,
                    hidden->item[i].bytes))
            continue;
        snprintf(text, sizeof text, "%s", json_string_value(json));
        api_hide(hidden, text, sizeof text);
        json_string_set(json, text);
        return;
    }
}

void api_hide_json(const struct api_hidden *hidden, json_t *json) {
    const char *name;
    json_t *value;
    size_t i;
    if (!hidden)
        return;
    if (json_is_string(json))
        hide_string(hidden, json);
    json_object_foreach(json, name, value) api_hide_json(hidden, value);
    json_array_foreach(json, i, value) api_hide_json(hidden, value);
}
