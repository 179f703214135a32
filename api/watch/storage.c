#include "api/watch/storage.h"

unsigned api_storage_alarms(const struct api_storage *storage) {
    unsigned alarms = storage->swept_alarms & ~(unsigned)INSP_ALARM_SPACE;
    return storage->low ? alarms | INSP_ALARM_SPACE : alarms;
}

const char *api_storage_alarm_text(unsigned alarm) {
    switch (alarm) {
    case INSP_ALARM_CLOCK:
        return "the clock jumped, or is far ahead of the newest inspection: retention removes nothing by age "
               "until "
               "the clock has been steady for a day";
    case INSP_ALARM_SPACE:
        return "the disk is nearly full: retention removes images to keep storage.free_bytes_min free";
    case INSP_ALARM_HELD:
        return "storage.sweep_percent, storage.hour_percent or storage.reserve_percent keeps retention from "
               "removing "
               "enough: the disk may fill up";
    case INSP_ALARM_ORPHANS:
        return "many image files have no row: the database may be new, damaged or an older one; retention leaves "
               "the "
               "files in place";
    case INSP_ALARM_QUARANTINE:
        return "the quarantine has reached storage.quarantine_bytes_max: image files without a row stay in place";
    default:
        return "";
    }
}

void api_storage_reasons(const struct api_storage *storage, json_t *list) {
    unsigned alarms = api_storage_alarms(storage);
    for (unsigned i = 0; i < INSP_ALARMS; i++)
        if (alarms & 1U << i)
            json_array_append_new(list, json_sprintf("storage: %s", api_storage_alarm_text(1U << i)));
}

static void metric(FILE *out, const char *name, const char *type, const char *help, uint64_t value) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %llu\n", name, help, name, type, name, (unsigned long long)value);
}

static void write_usage(const struct api_storage *storage, FILE *out) {
    const struct insp_store_usage *usage = &storage->usage;
    metric(out, "inspectd_store_inspections", "gauge", "Inspections in the store.", usage->inspections);
    metric(out, "inspectd_store_images", "gauge", "Posted images that are kept.", usage->images);
    metric(out, "inspectd_store_image_bytes", "gauge", "Size of the posted images that are kept.",
           usage->image_bytes);
    metric(out, "inspectd_store_database_bytes", "gauge", "Size of the database.", usage->database_bytes);
    metric(out, "inspectd_store_free_bytes", "gauge", "Free bytes in the state folder's file system.",
           usage->free_bytes);
    metric(out, "inspectd_store_free_limit_bytes", "gauge",
           "Setting storage.free_bytes_min on this disk; with less free space retention removes images.",
           storage->free_limit_bytes);
}

void api_storage_metrics(const struct api_storage *storage, FILE *out) {
    static const char name[] = "inspectd_retention_alarm";
    unsigned alarms = api_storage_alarms(storage);
    fprintf(out, "# HELP %s 1 while the storage needs a person to look at it.\n# TYPE %s gauge\n", name, name);
    for (unsigned i = 0; i < INSP_ALARMS; i++)
        fprintf(out, "%s{reason=\"%s\"} %u\n", name, insp_retention_alarm_name(1U << i), (alarms >> i) & 1U);
    metric(out, "inspectd_retention_rows_total", "counter", "Inspections removed by age.", storage->aged);
    metric(out, "inspectd_retention_images_total", "counter", "Posted images removed by age and by space.",
           storage->images);
    metric(out, "inspectd_store_orphan_images", "gauge", "Image files without a row, as of the last sweep.",
           storage->orphans);
    metric(out, "inspectd_store_quarantine_bytes", "gauge", "Size of the quarantine.", storage->quarantine_bytes);
    metric(out, "inspectd_store_healthy", "gauge", "1 while records can be stored.", storage->healthy);
    if (storage->usage_known) /* the first chore has not run yet */
        write_usage(storage, out);
}
