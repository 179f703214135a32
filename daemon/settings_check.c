/* Checks the form of lists while a setting is read, so that an error in the file has its line. */
#include "api/access/proxies.h"
#include "api/modbus/stations.h"
#include "api/sources/folder.h"
#include "core/base/sha256.h"
#include "core/line/takt.h"
#include "daemon/settings.h"

#include <string.h>

static int check_clients(const char *value, struct insp_error *reterr) {
    struct api_networks networks;
    struct insp_error why;
    if (api_networks_parse(value, &networks, &why) < 0)
        return insp_fail(reterr, why.code, "has a wrong entry: %s", why.detail);
    return 0;
}

static int check_hash(const char *value, struct insp_error *reterr) {
    return insp_sha256_hex_valid(value)
               ? 0
               : insp_fail(reterr, INSP_E_CONFIG, "must be 64 hexadecimal digits in lower case");
}

typedef int check(const char *value, struct insp_error *reterr);

static const struct {
    const char *section, *key;
    check *check;
} checks[] = {
    {"line", "takt", insp_takt_check},          {"modbus", "listen", api_modbus_listen_check},
    {"modbus", "stations", api_stations_check}, {"modbus", "products", api_station_products_check},
    {"modbus", "clients", check_clients},       {"training", "trunk_sha256", check_hash},
    {"watch", "folder", api_folder_check},      {"watch", "pattern", api_folder_pattern_check},
};

int daemon_setting_check(const struct daemon_setting *row, const char *value, struct insp_error *reterr) {
    struct insp_error why;
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (!strcmp(row->section, checks[i].section) && !strcmp(row->key, checks[i].key) &&
            checks[i].check(value, &why) < 0)
            return insp_fail(reterr, why.code, "%s.%s %s", row->section, row->key, why.detail);
    return 0;
}
