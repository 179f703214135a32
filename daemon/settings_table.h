/* daemon/settings_table.h - defines every setting once. The struct, the parser, the ranges, `inspectd serve
 * --help` and config/inspectd.conf are made from this table; a test compares the latter.
 *
 * X(section, key, KIND, default, min, max, unit, text)
 *   KIND     TEXT    min..max bytes of text; `unit` describes the form
 *            CHOICE  one of the words in `unit`, which '|' separates
 *            FLAG    true | false | yes | no | on | off | 1 | 0
 *            COUNT   a whole number, min..max
 *            SIZE    bytes, min..max; K, M, G and T mean 1024, 1024^2...; "auto" is allowed if it is the default
 *   default  as it would be written in the file
 *   text     explains the setting; '\n' breaks lines */
#ifndef INSP_DAEMON_SETTINGS_TABLE_H
#define INSP_DAEMON_SETTINGS_TABLE_H

#include <stdint.h>

/* S(section, text) precedes the settings of a section. */
#define DAEMON_SETTINGS_TABLE(S, X)                                                                               \
    S(server, "HTTP: address, access and connections.")                                                           \
    X(server, listen, TEXT, "127.0.0.1:8080", 3, 255, "host:port",                                                \
      "Address to listen on: 127.0.0.1:8080, [::1]:8080, 0.0.0.0:8080. Port 0 chooses any free port.\n"           \
      "A socket from systemd (inspectd.socket) takes precedence.")                                                \
    X(server, open_access, CHOICE, "auto", 0, 0, "auto|always|never",                                             \
      "Who may call the API without a token. /v1/admin/ always needs an admin token. auto: programs on this\n"    \
      "machine, if the daemon listens on a loopback address. always: everybody. never: nobody.\n"                 \
      "For compatibility, true means always and false means auto.")                                               \
    X(server, hosts, TEXT, "", 0, DAEMON_TEXT_MAX, "host[, host...]",                                             \
      "Host names and addresses that clients without a token may use for the daemon, besides localhost and its\n" \
      "own address. Other names are refused, which stops web pages that use DNS rebinding. * allows any name.\n"  \
      "Clients with a token may use any name.")                                                                   \
    X(server, origins, TEXT, "", 0, DAEMON_TEXT_MAX, "origin[, origin...]",                                       \
      "Sites whose pages may use the API from a browser (CORS), such as https://mes.plant.example. The\n"         \
      "daemon's own dashboard needs no entry; pages of other sites are refused.")                                 \
    X(server, trusted_proxies, TEXT, "", 0, DAEMON_TEXT_MAX, "address[/bits][, ...]",                             \
      "Reverse proxies whose Forwarded and X-Forwarded-For fields are trusted. Requests through them never\n"     \
      "count as local, so with open_access = auto they need a token.")                                            \
    X(server, tls_certificate, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file",                                          \
      "Certificate chain for HTTPS. Empty: plain HTTP.")                                                          \
    X(server, tls_key, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file", "Private key of the certificate.")               \
    X(server, hsts_s, COUNT, "0", 0, 63072000, "seconds",                                                         \
      "With TLS, tell browsers to use only HTTPS for this host name for this long (HSTS). This affects every\n"   \
      "port of the name, so set it only if nothing else on the machine uses plain HTTP. 0: not sent.")            \
    X(server, connections, COUNT, "256", 4, 65536, "connections",                                                 \
      "Largest number of open connections. Beyond it, a silent, slow or idle connection is closed to make\n"      \
      "room; if all are busy, the new one is answered with 503.")                                                 \
    X(server, connections_per_address, COUNT, "0", 0, 65536, "connections",                                       \
      "Largest number of connections per client address (for IPv6, per /64 network).\n"                           \
      "0: three quarters of server.connections; no such limit for clients on this machine. A trusted proxy may\n" \
      "always use all.")                                                                                          \
    X(server, request_timeout_s, COUNT, "15", 1, 3600, "seconds",                                                 \
      "Disconnect a client that sends nothing for this long.")                                                    \
    X(server, event_ping_s, COUNT, "10", 1, 3600, "seconds",                                                      \
      "Send a comment on an idle event stream this often. It keeps proxies from closing the stream and detects\n" \
      "clients that have left.")                                                                                  \
    X(server, pool_threads, COUNT, "4", 2, 128, "threads",                                                        \
      "Threads reserved for inspections: they decode images, render answers and write to the store. Half as\n"    \
      "many more, at lower priority, do so for images beyond 4 megapixels.")                                      \
    X(server, background_threads, COUNT, "4", 2, 128, "threads",                                                  \
      "Threads for other requests: lists, pictures, exports, models, datasets. They run at lower priority.\n"     \
      "Pictures and other heavy work use at most half of them.")                                                  \
    X(server, shutdown_grace_s, COUNT, "10", 0, 600, "seconds",                                                   \
      "On shutdown, how long to wait for running inspections before answering them with 503.")                    \
    S(storage, "Database and images: location, durability and retention.")                                        \
    X(storage, state_dir, TEXT, "", 0, DAEMON_TEXT_MAX, "folder",                                                 \
      "Database, images, models, trunks, tokens. Empty: $STATE_DIRECTORY (set by systemd), else\n"                \
      "/var/lib/inspectd for root, else $XDG_STATE_HOME/inspectd, else ~/.local/state/inspectd.")                 \
    X(storage, durability, CHOICE, "process", 0, 0, "process|power",                                              \
      "Failures that an answered inspection survives. process: a killed daemon. power: also a power cut, at\n"    \
      "the cost of one fsync per group of inspections.")                                                          \
    X(storage, keep_good_days, COUNT, "30", 0, 36500, "days",                                                     \
      "Remove inspections with verdict good after this time, unless their label is anomaly. 0: never by age.")    \
    X(storage, keep_anomaly_days, COUNT, "365", 0, 36500, "days",                                                 \
      "Remove inspections with another verdict, or with label anomaly, after this time. 0: never by age.")        \
    X(storage, free_bytes_min, SIZE, "auto", 0, INT64_MAX, "bytes",                                               \
      "Remove images until this much of the disk is free: unlabelled good ones first, then labelled ones, then\n" \
      "unlabelled anomalies. auto: 2G, or 5 % of a smaller disk. 0: never by free space.")                        \
    X(storage, image_bytes_max, SIZE, "0", 0, INT64_MAX, "bytes",                                                 \
      "Largest total size of all images; beyond it they are removed in the same order. 0: no limit.")             \
    X(storage, thumbnail_bytes_max, SIZE, "1G", 0, INT64_MAX, "bytes",                                            \
      "Largest total size of the dashboard's thumbnails in <state_dir>/cache/thumbnails. 0: not stored, but\n"    \
      "made for each request.")                                                                                   \
    X(storage, sweep_percent, COUNT, "2", 1, 100, "percent",                                                      \
      "Largest share of the store that one sweep may remove (bytes by space, rows by age), in addition to as\n"   \
      "much as has arrived since the previous sweep.")                                                            \
    X(storage, hour_percent, COUNT, "10", 1, 100, "percent", "The same limit for all sweeps of an hour.")         \
    X(storage, reserve_percent, COUNT, "5", 0, 100, "percent",                                                    \
      "Share of the disk (for image_bytes_max: of that size) that images may always use: below it, labelled\n"    \
      "images and anomalies are not removed to free space.")                                                      \
    X(storage, quarantine_bytes_max, SIZE, "1G", 0, INT64_MAX, "bytes",                                           \
      "Move image files without a database row to <state_dir>/quarantine, up to this total size; further files\n" \
      "stay where they are.")                                                                                     \
    X(storage, quarantine_days, COUNT, "90", 0, 36500, "days",                                                    \
      "Remove files from the quarantine after this time. 0: never.")                                              \
    X(storage, sweep_interval_s, COUNT, "300", 1, 86400, "seconds", "How often to apply the rules above.")        \
    S(limits, "Limits of requests. They are checked before memory is allocated.")                                 \
    X(limits, inflight, COUNT, "64", 1, 4096, "inspections",                                                      \
      "Largest number of inspections in progress; each image of a KServe request is one. Beyond it, a new one\n"  \
      "is answered with 503 (queue_full) at once, unless a stalled upload can be dropped. One token or one\n"     \
      "address may hold three quarters of them. Request bodies use at most inflight x body_bytes of memory.")     \
    X(limits, body_bytes, SIZE, "32M", 1024, 1073741824, "bytes", "Largest request body.")                        \
    X(limits, image_width, COUNT, "16384", 1, 65500, "pixels", "Largest width of an image.")                      \
    X(limits, image_height, COUNT, "16384", 1, 65500, "pixels", "Largest height of an image.")                    \
    X(limits, image_pixels, COUNT, "64000000", 1, 1000000000, "pixels", "Largest width x height of an image.")    \
    X(limits, deadline_ms, COUNT, "10000", 0, 600000, "milliseconds",                                             \
      "Default deadline: an inspection without deadline_ms is answered with 504 after this time. 0: no\n"         \
      "deadline.")                                                                                                \
    X(limits, exports, COUNT, "4", 1, 64, "exports",                                                              \
      "Largest number of simultaneous exports (CSV, JSON lines). Beyond it: 503 (queue_full).")                   \
    X(limits, event_streams, COUNT, "128", 1, 65536, "streams",                                                   \
      "Largest number of open event streams (GET /v1/events) and waiting lists (wait_ms) together. Beyond it:\n"  \
      "503 (queue_full). One token or one address may hold three quarters of them. However many are allowed,\n"   \
      "they never take more than half of server.connections, so that cameras always get one.")                    \
    X(limits, answer_bytes, SIZE, "256M", 1048576, INT64_MAX, "bytes",                                            \
      "Memory for answers that clients have not read yet (lists, heatmaps; posted images are sent from their\n"   \
      "files). Beyond it, reads are answered with 503 (queue_full), but inspections never are.")                  \
    X(limits, decode_pixels, COUNT, "256000000", 1000000, 100000000000, "pixels",                                 \
      "Largest number of pixels decoded at the same time. Images above 4 megapixels wait for their turn;\n"       \
      "pictures for viewers and jobs use at most half, inspections all of it.")                                   \
    X(limits, decode_bytes, SIZE, "1G", 16777216, INT64_MAX, "bytes",                                             \
      "Memory for decoding, shared in the same way.")                                                             \
    X(limits, background_queue, COUNT, "256", 1, 65536, "requests",                                               \
      "Largest number of requests that wait for one of server.background_threads; pictures and other heavy\n"     \
      "work are counted separately. Beyond it: 503 (queue_full).")                                                \
    X(limits, batch, COUNT, "8", 1, 64, "images",                                                                 \
      "Largest number of images per pass. A pass takes the images that are waiting and never waits for more.\n"   \
      "A KServe request holds at most as many.")                                                                  \
    S(line, "The production line that the cameras belong to.")                                                    \
    X(line, takt, TEXT, "", 0, DAEMON_TEXT_MAX, "product=milliseconds[, ...]",                                    \
      "Takt by product, such as carpet=800, bottle=350; *=2000 is for all others. A verdict that comes later\n"   \
      "after the headers of its image is stored and counted as late, and reads as reject on Modbus.")             \
    X(line, frozen_repeats, COUNT, "0", 0, 1000, "pictures",                                                      \
      "A camera that sends the bytes of its last picture this often again is frozen: the verdict is never good\n" \
      "(reason frozen). 0: not checked, because test rigs, replays and clients that repeat a request whose\n"     \
      "answer was lost send equal pictures too. For a line of real cameras use 2 or more.")                       \
    S(modbus, "PLCs: a Modbus/TCP server with one unit per station. docs/modbus.md has its map.")                 \
    X(modbus, listen, TEXT, "", 0, 255, "address:port",                                                           \
      "Address to listen on, such as 192.0.2.7:1502 or [::]:1502. Empty: off. Modbus has neither passwords nor\n" \
      "encryption: use the address of the machine network.")                                                      \
    X(modbus, stations, TEXT, "", 0, DAEMON_TEXT_MAX, "unit=camera[, ...]",                                       \
      "Unit identifier, 1 to 247, of each station, and the camera whose results it gets: 1=cam1, 2=cam2.")        \
    X(modbus, products, TEXT, "", 0, DAEMON_TEXT_MAX, "index=product[, ...]",                                     \
      "Products by the index that a PLC may write into holding register 0: 1=carpet, 2=bottle. A result of\n"     \
      "another product than the PLC's reads as reject.")                                                          \
    X(modbus, clients, TEXT, "", 0, DAEMON_TEXT_MAX, "address[/bits][, ...]",                                     \
      "Addresses and networks of the PLCs. Empty: all.")                                                          \
    X(modbus, heartbeat_s, COUNT, "3", 1, 60, "seconds",                                                          \
      "Longest time between two changes of a PLC's heartbeat. After it the station is not ready, and a result\n"  \
      "that stands is withdrawn.")                                                                                \
    X(modbus, connections, COUNT, "16", 1, 64, "connections",                                                     \
      "Largest number of open connections. Beyond it, one that has been silent for modbus.heartbeat_s makes\n"    \
      "room.")                                                                                                    \
    X(modbus, idle_s, COUNT, "60", 1, 86400, "seconds", "Disconnect a PLC that sends no request for this long.")  \
    S(decode, "How images of special cameras are decoded, for inspections and for training.")                     \
    X(decode, jpeg_stray_bytes, COUNT, "64", 0, 65535, "bytes",                                                   \
      "Padding bytes that a camera may leave before each marker in the scans of a JPEG. They are skipped and\n"   \
      "counted; more than this is an error. 0: none before a restart marker.")                                    \
    X(decode, png16_bits, COUNT, "0", 0, 16, "bits",                                                              \
      "Low bits of a 16-bit PNG that the camera uses: 10, 12, 14. 0: taken from the file's sBIT chunk or,\n"      \
      "without it, the smallest of 8, 10, 12, 14 and 16 that holds the image's values; a dark image can make\n"   \
      "the guess wrong.")                                                                                         \
    S(device, "The device that runs the network.")                                                                \
    X(device, name, TEXT, "auto", 3, 31, "auto|cpu|cuda|cuda:N",                                                  \
      "auto: the first CUDA device that works, else the CPU. If cuda or cuda:N does not exist, the daemon does\n" \
      "not start.")                                                                                               \
    X(device, threads, COUNT, "0", 0, 1024, "threads", "CPU threads per pass. 0: all that the process may use.")  \
    X(device, cpu_engine, CHOICE, "auto", 0, 0, "auto|packed|torch",                                              \
      "auto: packed kernels if the processor has AVX2, AVX-512 or NEON, else libtorch's operators.")              \
    X(device, selftest_interval_s, COUNT, "60", 1, 86400, "seconds",                                              \
      "How often to run the self-test behind /readyz: it scores an image whose answer is known.")                 \
    S(training, "Training, cross-validation and evaluation.")                                                     \
    X(training, dataset_roots, TEXT, "", 0, DAEMON_TEXT_MAX, "folder[:folder...]",                                \
      "Folders below which jobs may find their datasets. Uploads go into the first one.\n"                        \
      "Empty: <state_dir>/datasets.")                                                                             \
    X(training, trash_days, COUNT, "30", 0, 3650, "days",                                                         \
      "How long images that were deleted in the dashboard stay in the dataset's trash, so that the deletion "     \
      "can\n"                                                                                                     \
      "be undone. 0: until the trash is emptied by hand.")                                                        \
    X(training, threads, COUNT, "0", 0, 1024, "threads", "CPU threads of a job. 0: as device.threads.")           \
    X(training, cache_bytes, SIZE, "8G", 0, INT64_MAX, "bytes",                                                   \
      "Largest size of the cache of features in <state_dir>/cache/features: the trunk's output per image (400\n"  \
      "KB), so that the trunk runs once per image. Least recently used entries are evicted first. 0: no limit.")  \
    X(training, cache_half, FLAG, "false", 0, 0, "", "Cache features as float16, which takes half the space.")    \
    X(training, memory_bytes, SIZE, "0", 0, INT64_MAX, "bytes",                                                   \
      "Largest memory of a job's process. A job that needs more fails; inspections are not affected.\n"           \
      "0: three quarters of the memory that is free when the job starts.")                                        \
    X(training, trunk_url, TEXT, "https://download.pytorch.org/models/vgg16-397923af.pth", 0, 511,                \
      "http(s)://host/path",                                                                                      \
      "Where the recommended trunk is fetched from: torchvision's VGG16, or a mirror of it in the plant.")        \
    X(training, trunk_sha256, TEXT, "397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0", 64, 64,   \
      "SHA-256", "What that file must have: 64 hexadecimal digits in lower case. Another file is not installed.") \
    X(training, queue, COUNT, "16", 1, 1000, "jobs", "Largest number of waiting jobs. One job runs at a time.")   \
    S(mqtt, "Publish inspections to an MQTT broker; docs/mqtt.md has the topics.")                                \
    X(mqtt, url, TEXT, "", 0, 511, "mqtt://host:port",                                                            \
      "Broker: mqtt://host:1883, or mqtts://host:8883 for TLS. Empty: no MQTT.")                                  \
    X(mqtt, prefix, TEXT, "", 0, 511, "topic",                                                                    \
      "Begin all topics with this, such as acme/plant1/line3/inspectd. Empty: inspectd/<host name>.")             \
    X(mqtt, username, TEXT, "", 0, 1023, "name", "User name for the broker. Empty: none.")                        \
    X(mqtt, password_file, TEXT, "", 0, DAEMON_TEXT_MAX, "file",                                                  \
      "File whose first line is the password of that user. It is read at each connection.")                       \
    X(mqtt, ca_file, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file",                                                    \
      "Authorities that may have signed the broker's certificate. Empty: those of the system.")                   \
    X(mqtt, certificate, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file",                                                \
      "Certificate that the daemon shows to the broker. Empty: none.")                                            \
    X(mqtt, key, TEXT, "", 0, DAEMON_TEXT_MAX, "PEM file", "Private key of that certificate.")                    \
    X(mqtt, last, FLAG, "false", 0, 0, "",                                                                        \
      "Publish each inspection also as a retained message, for screens: last/<product>/<camera>.")                \
    X(mqtt, commands, FLAG, "false", 0, 0, "",                                                                    \
      "Obey command/activate and command/label. Whoever may publish these topics on the broker may then change\n" \
      "the active model.")                                                                                        \
    X(mqtt, sparkplug_group, TEXT, "", 0, 127, "group",                                                           \
      "Publish also as a Sparkplug B edge node of this group: docs/sparkplug.md. Empty: no Sparkplug.")           \
    X(mqtt, sparkplug_node, TEXT, "", 0, 127, "node",                                                             \
      "Name of that edge node, which no other of the group may have. Empty: the host name.")                      \
    S(webhook, "Post inspections to a URL; docs/webhook.md describes the requests.")                              \
    X(webhook, url, TEXT, "", 0, DAEMON_TEXT_MAX, "http(s)://host/path",                                          \
      "Post each inspection to this address as JSON. Empty: no webhook.")                                         \
    X(webhook, secret_file, TEXT, "", 0, DAEMON_TEXT_MAX, "file",                                                 \
      "File with the secret that signs each request (HMAC-SHA256). Empty: not signed.")                           \
    X(webhook, ca_file, TEXT, "", 0, DAEMON_TEXT_MAX, "file",                                                     \
      "PEM file of the authorities that the receiver's certificate may come from. Empty: those of the system.")   \
    X(webhook, verdicts, TEXT, "good, anomaly, review", 0, 63, "verdict[, ...]",                                  \
      "Post only inspections with these verdicts.")                                                               \
    X(webhook, products, TEXT, "", 0, DAEMON_TEXT_MAX, "product[, ...]",                                          \
      "Post only inspections of these products. Empty: of all.")                                                  \
    X(webhook, private_redirects, FLAG, "false", 0, 0, "",                                                        \
      "Follow redirects (307, 308) also to addresses that are not public. The address above may be private in "   \
      "any\n"                                                                                                     \
      "case.")                                                                                                    \
    S(watch, "Inspect files that others put into a folder; docs/watch.md describes it.")                          \
    X(watch, folder, TEXT, "", 0, 1023, "folder",                                                                 \
      "Folder into which cameras and older systems put their images, by FTP or SMB for instance. Empty: none.")   \
    X(watch, pattern, TEXT, "{product}/{camera}/{part}.jpg", 0, 255, "pattern",                                   \
      "Paths below the folder, with the places of product, camera and part. Files of other paths are ignored.")   \
    X(watch, result, CHOICE, "beside", 0, 0, "beside|folder|none",                                                \
      "Write the inspection as JSON beside its image (part.jpg.json), or into the folder \"results\".")           \
    X(watch, after, CHOICE, "move", 0, 0, "delete|move|keep",                                                     \
      "Delete an inspected file, move it into the folder \"done\", or leave it where it is.")                     \
    X(watch, settle_ms, COUNT, "2000", 10, 600000, "ms",                                                          \
      "A file that nobody was seen to close is complete when it has not changed for this time.")                  \
    S(log, "Messages go to standard error, which systemd passes to its journal.")                                 \
    X(log, level, CHOICE, "info", 0, 0, "error|warning|info|debug", "Messages below this level are not logged.")

#endif
