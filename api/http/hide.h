/* api/http/hide.h - replaces the server's folders in answers by labels: clients need not know its disk. Pure; any
 * thread. */
#ifndef INSP_API_HTTP_HIDE_H
#define INSP_API_HTTP_HIDE_H

#include <jansson.h>
#include <stddef.h>

enum { API_HIDDEN_MAX = 16 };

/* Folders and their labels, such as "/var/lib/inspectd" and "<state>". Texts are borrowed. */
struct api_hidden {
    size_t count;
    struct {
        const char *folder;
        size_t bytes; /* of folder, without slashes at its end */
        const char *label;
    } item[API_HIDDEN_MAX];
};

/* Adds the folders of a list separated by colons. Ignores "", "/" and folders beyond API_HIDDEN_MAX. */
void api_hidden_add(struct api_hidden *hidden, const char *folders, const char *label);

/* Replaces the folders in `text` where they are whole path components: "cannot read /var/lib/inspectd/images/x"
 * becomes "cannot read <state>/images/x". If several match, the longest counts.
 *   hidden  NULL: changes nothing
 *   bytes   room at `text`; a text that grows beyond it is cut. Without memory the text becomes "" */
void api_hide(const struct api_hidden *hidden, char *text, size_t bytes);

/* Does the same in all strings of a JSON document, in place; a string with a folder is cut at 4095 bytes. For
 * documents that quote errors (models, jobs), not for texts of users. NULL changes nothing. */
void api_hide_json(const struct api_hidden *hidden, json_t *json);

#endif
