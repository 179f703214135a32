/* api/http/hide.h - what a client need not know: where on the server's disk things lie. Pure; any thread. */
#ifndef INSP_API_HTTP_HIDE_H
#define INSP_API_HTTP_HIDE_H

#include <jansson.h>
#include <stddef.h>

enum { API_HIDDEN_MAX = 16 };

/* Folders and what stands for each in a text, such as "/var/lib/inspectd" and "<state>". Texts are borrowed. */
struct api_hidden {
    size_t count;
    struct {
        const char *folder;
        size_t bytes; /* of folder, without slashes at its end */
        const char *label;
    } item[API_HIDDEN_MAX];
};

/* Adds the folders of a list separated by colons; those beyond API_HIDDEN_MAX, "" and "/" are left out. */
void api_hidden_add(struct api_hidden *hidden, const char *folders, const char *label);

/* Replaces each of the folders in `text`, which has `bytes` bytes of room, wherever it stands as whole path
 * components: "cannot read /var/lib/inspectd/images/x.png" -> "cannot read <state>/images/x.png". Where two fit,
 * the longer one counts. A text that grows beyond the room is cut. NULL hides nothing. */
void api_hide(const struct api_hidden *hidden, char *text, size_t bytes);

/* The same in all texts inside a JSON document, which is changed in place. For documents that quote errors
 * (models, jobs); not for those that hold texts of users. NULL hides nothing. */
void api_hide_json(const struct api_hidden *hidden, json_t *json);

#endif
