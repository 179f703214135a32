#include "core/dataset/class_name.h"

#include "core/base/cleanup.h"
#include "core/base/utf8.h"
#include "core/model/manifest.h"

#include <string.h>
#include <strings.h>

static bool among(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(name, names[i]))
            return true;
    return false;
}

bool insp_class_name_system(const char *name) {
    static const char *const names[] = {"@eaDir",    "#recycle",    "@Recycle",     "@Recently-Snapshot",
                                        "#snapshot", "lost+found",  "$RECYCLE.BIN", "System Volume Information",
                                        "Thumbs.db", "ehthumbs.db", "desktop.ini",  "__MACOSX"};
    return among(name, names, INSP_COUNT(names));
}

bool insp_class_name_good(const char *name) {
    static const char *const names[] = {"good", "ok"};
    return among(name, names, INSP_COUNT(names));
}

bool insp_class_name_valid(const char *name) {
    char clean[INSP_NAME_BYTES];
    size_t n = strlen(name);
    if (n < 1 || n >= sizeof clean || name[0] == '.' || strpbrk(name, "/\\") || insp_class_name_system(name))
        return false;
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7F)
            return false;
    memcpy(clean, name, n + 1);
    insp_utf8_clean(clean);
    return !strcmp(clean, name);
}
