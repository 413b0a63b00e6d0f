/* Finds the minimum of Rosenbrock's function by gradient descent with momentum: a trainer in C. It prints a line an epoch, and
 * knows nothing of hpx.
 *
 *   fit RATE MOMENTUM EPOCHS */
#include <stdio.h>
#include <stdlib.h>

#define STEPS 100 /* in an epoch */

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: fit RATE MOMENTUM EPOCHS\n");
        return 2;
    }
    const double rate = atof(argv[1]), momentum = atof(argv[2]);
    double x = -1.2, y = 1, vx = 0, vy = 0;
    for (int epoch = 1; epoch <= atoi(argv[3]); epoch++) {
        for (int step = 0; step < STEPS; step++) {
            const double dx = -2 * (1 - x) - 400 * x * (y - x * x), dy = 200 * (y - x * x);
            vx = momentum * vx - rate * dx;
            vy = momentum * vy - rate * dy;
            x += vx;
            y += vy;
        }
        printf("Epoch %d loss: %.10g\n", epoch, (1 - x) * (1 - x) + 100 * (y - x * x) * (y - x * x));
    }
    return 0;
}
