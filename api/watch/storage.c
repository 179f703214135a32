#include "api/watch/storage.h"

unsigned api_storage_alarms(const struct api_storage *storage) {
    unsigned alarms = storage->swept_alarms & ~(unsigned)INSP_ALARM_SPACE;
    return storage->low ? alarms | INSP_ALARM_SPACE : alarms;
}

const char *api_storage_alarm_text(unsigned alarm) {
    switch (alarm) {
    case INSP_ALARM_CLOCK:
        return "the clock jumped, or is far ahead of the newest inspection: nothing is removed by age until it "
               "has "
               "been steady for a day";
    case INSP_ALARM_SPACE:
        return "the disk is nearly full: images are removed to keep storage.free_bytes_min free";
    case INSP_ALARM_HELD:
        return "more should be removed than storage.sweep_percent, storage.hour_percent and "
               "storage.reserve_percent allow: the disk may fill up";
    case INSP_ALARM_ORPHANS:
        return "many image files have no row: the database may be new, damaged or an older one; the files stay "
               "where they are";
    case INSP_ALARM_QUARANTINE:
        return "image files without a row stay where they are: storage.quarantine_bytes_max is reached";
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
    metric(out, "inspectd_store_inspections", "gauge", "Rows in the store.", usage->inspections);
    metric(out, "inspectd_store_images", "gauge", "Posted images that are kept.", usage->images);
    metric(out, "inspectd_store_image_bytes", "gauge", "Their size.", usage->image_bytes);
    metric(out, "inspectd_store_database_bytes", "gauge", "Size of the database.", usage->database_bytes);
    metric(out, "inspectd_store_free_bytes", "gauge", "Free bytes in the state folder's file system.",
           usage->free_bytes);
    metric(out, "inspectd_store_free_limit_bytes", "gauge",
           "Setting storage.free_bytes_min on this disk: below it retention removes images.",
           storage->free_limit_bytes);
}

void api_storage_metrics(const struct api_storage *storage, FILE *out) {
    static const char name[] = "inspectd_retention_alarm";
    unsigned alarms = api_storage_alarms(storage);
    fprintf(out, "# HELP %s 1 while retention waits for a person to look.\n# TYPE %s gauge\n", name, name);
    for (unsigned i = 0; i < INSP_ALARMS; i++)
        fprintf(out, "%s{reason=\"%s\"} %d\n", name, insp_retention_alarm_name(1U << i), (alarms >> i) & 1U);
    metric(out, "inspectd_retention_rows_total", "counter", "Inspections removed by age since the start.",
           storage->aged);
    metric(out, "inspectd_retention_images_total", "counter",
           "Posted images removed by age and by space since the start.", storage->images);
    metric(out, "inspectd_store_orphan_images", "gauge", "Image files without a row that the last walk found.",
           storage->orphans);
    metric(out, "inspectd_store_quarantine_bytes", "gauge", "Size of the quarantine.", storage->quarantine_bytes);
    metric(out, "inspectd_store_healthy", "gauge", "1 while records can be stored.", storage->healthy);
    if (storage->usage_known) /* the first chore has not run yet */
        write_usage(storage, out);
}
