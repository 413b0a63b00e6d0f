/* What the parts of the executor of a pool share: its state, and how its files ask each other. */
#ifndef HPX_CLUSTER_H
#define HPX_CLUSTER_H

#include "pool.h"
#include "worker/executor.h"
#include "worker/launcher.h"

/* In which a worker that lives changes its sign. */
#define HPX_CLUSTER_PROOF_SECONDS (HPX_POOL_BEAT_SECONDS + 1)

/* A job that is wanted. */
struct post {
    char job[HPX_POOL_NAME_BYTES];
    hpx_hash key, name; /* of the job; its caller's for that */
    bool ours;          /* false: an owner before this one has made it, and nobody has asked for it since */
    bool inherited;     /* it was then: its first epochs may have been stored by that owner */
    bool jumps;         /* a program's: one that cannot continue has the last epoch only */
    uint32_t from, to;  /* epochs, as of a job */
    uint32_t epoch;     /* the last that was handed on */
    bool over;          /* the training has failed or stopped in it */
    char member[HPX_POOL_NAME_BYTES]; /* that is at it; empty: nobody is known to be */
    double seen, looked;              /* when it was last seen, open or at a worker; was last looked for */
};

/* A result that was written for an owner before this one, and that nobody has asked for yet. */
struct lying {
    hpx_hash key;
    char *path;
    uint32_t epoch;
    bool last; /* its training has failed or stopped there */
};

struct member {
    char name[HPX_POOL_NAME_BYTES], batch[40];
    hpx_pulse pulse;
    double asked; /* when the engine was last asked for it, or where it is */
    double began; /* when it was first heard of */
    hpx_member_sign sign;
    uint64_t taken; /* of its results */
    bool adopted;   /* an owner before this one has asked for it */
    bool found;     /* in the pool: whether it lives is not known before its sign changes */
    double unread;  /* since when its next result cannot be read; 0: it can */
    bool gone;
};

struct cluster {
    hpx_executor calls;
    hpx_launcher *launcher;
    char *pool;
    int lock;    /* a descriptor, -1: another owner has the pool */
    char id[17]; /* of this owner: the beginning of all its names */
    size_t capacity;
    unsigned batches, jobs; /* made so far */
    unsigned failed, early; /* submissions in a row; workers that ended in their first minute */
    double early_at;        /* when the last of them did */
    double submit_again;    /* not before */
    hpx_error trouble;      /* the last of them */
    hpx_fields binary;      /* what the workers contribute to manifests: the first of them has said it */
    bool awaited;           /* it is waited for */
    hpx_buffer words;       /* that are to be said */
    hpx_hash *wants;        /* data that workers have asked for */
    size_t want_count, want_capacity, wants_told;
    hpx_buffer released; /* names of nodes, each ended by NUL: their workers were released */
    struct post *posts;
    size_t post_count, post_capacity;
    struct member *members;
    size_t member_count, member_capacity;
    struct lying *lying; /* in the order of their writing */
    size_t lying_count, lying_capacity;
    char **handed_on; /* paths of results, which are removed at the next look: they are stored then */
    size_t handed_on_count, handed_on_capacity;
    uint64_t beat;
    double beaten;  /* when the owner's sign was last written */
    bool changed;   /* it is to be written */
    bool unwritten; /* it could not be, at the last try */
    bool ended;
    double opened;
    double pause, next_look; /* seconds between the last looks and the next; when it is due */
    hpx_buffer text, message;
};

double hpx_cluster_now(void);

/* A line of its words. */
void hpx_cluster_say(struct cluster *cluster, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct post *hpx_cluster_add_post(struct cluster *cluster, const struct post *post);

/* The job of this key that is wanted; NULL: none. */
struct post *hpx_cluster_post(struct cluster *cluster, const hpx_hash *key);

/* Takes a job off the list, and its files away. */
void hpx_cluster_drop(struct cluster *cluster, struct post *post);

/* The same, and says how it has ended to who has asked for it. */
hpx_status hpx_cluster_end(struct cluster *cluster, struct post *post, hpx_message_kind kind, const char *why,
                           hpx_result_fn *each, void *context, hpx_error *error);

/* cluster_workers.c */

struct member *hpx_cluster_add_member(struct cluster *cluster, const char *name, const char *batch);

/* The worker that is at a job; NULL: none is known to be. */
struct member *hpx_cluster_member_at(struct cluster *cluster, const struct post *post);
size_t hpx_cluster_workers(const struct cluster *cluster); /* that live, or will */

/* Asks for as many workers as there are to be. A submission that fails is tried again at a later call. */
void hpx_cluster_keep_up(struct cluster *cluster);
bool hpx_cluster_is_hopeless(const struct cluster *cluster); /* trying again is of no use: cluster->trouble */

void hpx_cluster_read_sign(struct cluster *cluster, struct member *member);

/* Counts a worker that has ended in its first minute, and says so; not one that an owner before this one has asked for. */
void hpx_cluster_note_early_end(struct cluster *cluster, const struct member *member, const char *why);

/* A worker has ended a job: one that has begun since the last of those is none of a kind that cannot. */
void hpx_cluster_note_work(struct cluster *cluster, const struct member *member);

/* Takes in what a worker says and has written. *taken: more results. */
hpx_status hpx_cluster_look_at(size_t *taken, struct cluster *cluster, struct member *member,
                               hpx_result_fn *each, void *context, hpx_error *error);

/* The job that a worker is at cannot come to a good end there. */
hpx_status hpx_cluster_lose_job(struct cluster *cluster, const struct member *member, const char *why,
                                hpx_result_fn *each, void *context, hpx_error *error);

/* Forgets those that have ended, and whose results were all taken. */
void hpx_cluster_forget_ended(struct cluster *cluster);

/* cluster_hello.c */

/* What the first worker of this code contributes to the manifests of a trainer's results; as of hpx_executor. */
hpx_status hpx_cluster_binary(hpx_fields *out, struct cluster *cluster, const hpx_trainer *trainer,
                              hpx_error *error);

/* What a worker says that it lacks. */
void hpx_cluster_note_wants(struct cluster *cluster, const struct member *member);

/* A worker has ended because its machine does not compute as that of the first: others are asked for elsewhere. */
void hpx_cluster_release(struct cluster *cluster, const struct member *member);

/* cluster_results.c */

/* Checked: the pool is a folder that may have been damaged. */
hpx_status hpx_cluster_read_result(hpx_result *out, struct cluster *cluster, const char *path,
                                   hpx_error *error);
hpx_status hpx_cluster_take_results(size_t *taken, struct cluster *cluster, struct member *member,
                                    hpx_result_fn *each, void *context, hpx_error *error);

/* Removes the files of results that were handed on: who got them has come back, and so has stored them. */
void hpx_cluster_remove_handed_on(struct cluster *cluster);

/* Hands on what was lying there and has been asked for since. A job that it ends is done. */
hpx_status hpx_cluster_hand_on_lying(size_t *taken, struct cluster *cluster, hpx_result_fn *each,
                                     void *context, hpx_error *error);

/* The newest that lies there of a job, with all between it and the epoch that the job begins from; NULL: nothing. */
const struct lying *hpx_cluster_newest_lying(const struct cluster *cluster, const struct post *post);

/* cluster_adopt.c */

/* A pool has one owner at a time, and none after its death. */
hpx_status hpx_cluster_lock(struct cluster *cluster, hpx_error *error);

/* The workers that an owner before this one has left, those that have ended too: what they have written is still to be taken. */
void hpx_cluster_adopt(struct cluster *cluster);

#endif
