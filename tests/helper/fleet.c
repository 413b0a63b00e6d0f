#include "fleet.h"

#include "base/memory.h"
#include "hpx/file.h"
#include "hpx/trainer.h"
#include "worker/hello.h"
#include "worker/message.h"
#include "worker/pool.h"
#include "worker/sign.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOOK_MS      2
#define LOG_BYTES    2048 /* that a trial prints */
#define BEAT_SECONDS (HPX_POOL_BEAT_SECONDS - 1)

/* --- the trainer ----------------------------------------------------------------------------------------------------- */

static const hpx_setting settings[] = {
    {"model", "across", HPX_SETTING_REAL, .min = 0, .max = 1e9, .help = "a number"},
    {"model", "down", HPX_SETTING_REAL, .min = 0, .max = 1e9, .help = "a number"},
};
static const hpx_metric_kind metrics[] = {{.name = "score"}};
static const hpx_sources sources = {.names = "", .version = "nothing is trained"};
static const hpx_trainer idle = {
    "idle", settings, 2, &sources, .metrics = metrics, .metric_count = 1, .objective = "score"};

void fleet_add_trainer(void)
{
    hpx_error error;
    (void)hpx_trainer_register(&idle, &error);
}

char *fleet_recipe(size_t across, size_t down)
{
    return hpx_format("model idle\n  across = $a\n  down = $b\ntrain\n  epochs = 1\n"
                      "axis a = linear 1..%zu step 1\naxis b = linear 1..%zu step 1\n"
                      "search all\n  method = grid\n",
                      across, down);
}

size_t owner_memory(void)
{
    char line[256];
    size_t kib = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "RssAnon: %zu kB", &kib) == 1)
            break;
    if (status)
        fclose(status);
    return kib << 10;
}

/* --- workers --------------------------------------------------------------------------------------------------------- */

struct player {
    char name[HPX_POOL_NAME_BYTES];
    hpx_member_sign sign;
    double said;
    bool busy;
    hpx_hash key;
    uint32_t from, to;
};

struct fleet {
    hpx_launcher calls;
    char *pool;
    pthread_t thread;
    pthread_mutex_t lock; /* of the players' number; their thread alone changes them */
    struct player *players;
    size_t count, capacity;
    bool stops, ended;
    uint8_t *taken; /* jobs by their number */
    size_t taken_count, taken_capacity;
    hpx_buffer text, message;
    uint8_t log[LOG_BYTES];
    hpx_error error;
    hpx_status status;
};

static void note(struct fleet *fleet, hpx_status status)
{
    fleet->status = fleet->status ? fleet->status : status;
}

static void say(struct fleet *fleet, struct player *player)
{
    hpx_buffer text = {0};
    char *path = hpx_pool_path(fleet->pool, "member", player->name);
    player->sign.beat++;
    player->said = hpx_clock_seconds();
    hpx_member_sign_encode(&text, &player->sign);
    note(fleet, hpx_sign_write(path, &text, &fleet->error));
    hpx_buffer_free(&text);
    free(path);
}

static void send(struct fleet *fleet, struct player *player, const hpx_result *result)
{
    char *path = hpx_pool_result_path(fleet->pool, player->name, player->sign.results++);
    fleet->message.size = 0;
    hpx_result_encode(&fleet->message, result);
    note(fleet, hpx_message_write_file(path, &fleet->message, &result->checkpoint, false, &fleet->error));
    free(path);
}

/* Its epochs have taken no time. */
static void end_job(struct fleet *fleet, struct player *player)
{
    for (uint32_t epoch = player->from + 1; epoch <= player->to; epoch++) {
        hpx_result result = {.kind = HPX_MESSAGE_EPOCH,
                             .key = player->key,
                             .epoch = epoch,
                             .parent = player->from,
                             .host = "played",
                             .log = {.data = fleet->log, .size = sizeof fleet->log},
                             .checkpoint = HPX_NO_BLOB};
        hpx_metrics_set(&result.metrics, "score", player->key.bytes[0]);
        note(fleet, hpx_result_output(&result.output, &result, &fleet->error));
        send(fleet, player, &result);
        hpx_metrics_free(&result.metrics);
    }
    player->busy = false;
    *player->sign.job = '\0';
    say(fleet, player);
}

static bool take_job(struct fleet *fleet, struct player *player, const char *name)
{
    hpx_job job = HPX_NO_JOB;
    hpx_message message;
    hpx_blob blob;
    char *path = hpx_pool_path(fleet->pool, "taken", name);
    const bool ours = hpx_pool_claim(fleet->pool, name);
    if (ours && hpx_message_read_file(&message, &fleet->message, &blob, path, &fleet->error) == HPX_OK &&
        hpx_job_decode(&job, &message, &blob, &fleet->error) == HPX_OK) {
        player->busy = true;
        player->key = job.key;
        player->from = job.from;
        player->to = job.to;
        snprintf(player->sign.job, sizeof player->sign.job, "%s", name);
        say(fleet, player);
    }
    hpx_job_free(&job);
    free(path);
    return ours;
}

/* As a worker of this binary. */
static void say_hello(struct fleet *fleet, const struct player *player)
{
    hpx_fields hello = {0};
    char *path = hpx_pool_path(fleet->pool, "hello", player->name);
    hpx_hello_of_binary(&hello);
    note(fleet, hpx_hello_write(path, &hello, &fleet->error));
    hpx_fields_free(&hello);
    free(path);
}

/* Whether a job of the list has not been seen yet; it has been then. */
static bool is_new(struct fleet *fleet, const char *job)
{
    const char *number = strrchr(job, 'j');
    const size_t at = number ? strtoul(number + 1, NULL, 10) : 0;
    while (at >= fleet->taken_count) {
        fleet->taken = hpx_grow(fleet->taken, &fleet->taken_capacity, fleet->taken_count + 1, 1);
        fleet->taken[fleet->taken_count++] = 0;
    }
    const bool fresh = !fleet->taken[at];
    fleet->taken[at] = 1;
    return fresh;
}

static void look(struct fleet *fleet)
{
    hpx_owner_sign owner;
    size_t next = 0;
    char *path = hpx_path_join(fleet->pool, "owner");
    if (hpx_sign_read(&fleet->text, path, &fleet->error) == HPX_OK &&
        hpx_owner_sign_decode(&owner, &fleet->text)) {
        fleet->ended = owner.ended;
        for (size_t i = 0; i < owner.job_count && next < fleet->count; i++) {
            while (next < fleet->count && fleet->players[next].busy)
                next++;
            if (next < fleet->count && is_new(fleet, owner.jobs[i]))
                next += take_job(fleet, &fleet->players[next], owner.jobs[i]);
        }
        free(owner.jobs);
    }
    free(path);
}

static void *play(void *context)
{
    struct fleet *fleet = context;
    const struct timespec pause = {.tv_nsec = LOOK_MS * 1000000};
    pthread_mutex_lock(&fleet->lock);
    while (!fleet->stops) {
        for (size_t i = 0; i < fleet->count; i++)
            if (fleet->players[i].busy)
                end_job(fleet, &fleet->players[i]);
            else if (hpx_clock_seconds() - fleet->players[i].said > BEAT_SECONDS)
                say(fleet, &fleet->players[i]);
        if (fleet->count > 0 && !fleet->ended)
            look(fleet);
        if (fleet->ended) {
            for (size_t i = 0; i < fleet->count; i++) {
                snprintf(fleet->players[i].sign.ended, sizeof fleet->players[i].sign.ended,
                         "the build has ended");
                say(fleet, &fleet->players[i]);
            }
            fleet->count = 0;
        }
        pthread_mutex_unlock(&fleet->lock);
        nanosleep(&pause, NULL);
        pthread_mutex_lock(&fleet->lock);
    }
    pthread_mutex_unlock(&fleet->lock);
    return NULL;
}

/* --- the engine ------------------------------------------------------------------------------------------------------ */

static bool has(hpx_launcher *launcher, const char *name)
{
    (void)launcher;
    (void)name;
    return true;
}

static void do_nothing(hpx_launcher *launcher)
{
    (void)launcher;
}

hpx_launcher played_engine(hpx_status (*place)(hpx_launcher *launcher, const char *name, size_t count,
                                               hpx_error *error))
{
    return (hpx_launcher){.place = place, .has = has, .cancel = do_nothing, .close = do_nothing};
}

static hpx_status place_players(hpx_launcher *launcher, const char *name, size_t count, hpx_error *error)
{
    struct fleet *fleet = (struct fleet *)launcher;
    (void)error;
    pthread_mutex_lock(&fleet->lock);
    fleet->players = hpx_grow(fleet->players, &fleet->capacity, fleet->count + count, sizeof *fleet->players);
    for (size_t i = 0; i < count; i++) {
        struct player *player = &fleet->players[fleet->count++];
        *player = (struct player){.said = 0};
        snprintf(player->name, sizeof player->name, "%.40s-%zu", name, i);
        say_hello(fleet, player);
    }
    pthread_mutex_unlock(&fleet->lock);
    return HPX_OK;
}

struct fleet *fleet_new(const char *pool)
{
    struct fleet *fleet = hpx_alloc(sizeof *fleet);
    fleet->calls = played_engine(place_players);
    fleet->pool = hpx_strdup(pool);
    memset(fleet->log, '.', sizeof fleet->log);
    pthread_mutex_init(&fleet->lock, NULL);
    if (pthread_create(&fleet->thread, NULL, play, fleet) != 0)
        abort();
    return fleet;
}

hpx_launcher *fleet_launcher(struct fleet *fleet)
{
    return &fleet->calls;
}

const char *fleet_free(struct fleet *fleet)
{
    static char said[sizeof fleet->error.message];
    pthread_mutex_lock(&fleet->lock);
    fleet->stops = true;
    pthread_mutex_unlock(&fleet->lock);
    pthread_join(fleet->thread, NULL);
    const bool failed = fleet->status;
    snprintf(said, sizeof said, "%s", fleet->error.message);
    hpx_buffer_free(&fleet->text);
    hpx_buffer_free(&fleet->message);
    free(fleet->players);
    free(fleet->taken);
    free(fleet->pool);
    free(fleet);
    return failed ? said : NULL;
}
