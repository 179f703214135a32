/* Checks the form of lists while a setting is read, so that an error in the file has its line. */
#include "core/line/takt.h"
#include "daemon/settings.h"

#include <string.h>

typedef int check(const char *value, struct insp_error *reterr);

static const struct {
    const char *section, *key;
    check *check;
} checks[] = {
    {"line", "takt", insp_takt_check},
};

int daemon_setting_check(const struct daemon_setting *row, const char *value, struct insp_error *reterr) {
    struct insp_error why;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!strcmp(row->section, checks[i].section) && !strcmp(row->key, checks[i].key) &&
            checks[i].check(value, &why) < 0)
            return insp_fail(reterr, why.code, "%s.%s %s", row->section, row->key, why.detail);
    return 0;
}
