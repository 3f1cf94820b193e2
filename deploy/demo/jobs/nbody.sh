# Compiles a C program with cc and runs it: the outer planets, STEPS steps of one hundredth of a day each.
set -eu
cat >nbody.c <<'C'
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
enum { N = 5 };
static const double year = 365.24, sun = 39.47841760435743; /* 4 pi^2 */
static double p[N][3] = {{0, 0, 0},
    {4.84143144246472090, -1.16032004402742839, -0.103622044471123109},
    {8.34336671824457987, 4.12479856412430479, -0.403523417114321381},
    {12.8943695621391310, -15.1111514016986312, -0.223307578892655734},
    {15.3796971148509165, -25.9193146099879641, 0.179258772950371181}};
static double v[N][3] = {{0, 0, 0},
    {0.00166007664274403694, 0.00769901118419740425, -0.0000690460016972063023},
    {-0.00276742510726411220, 0.00499852801234917238, 0.0000230417297573763929},
    {0.00296460137564761618, 0.00237847173959480950, -0.0000296589568540237556},
    {0.00268067772490389322, 0.00162824170038242295, -0.0000951592254519715870}};
static double m[N] = {1, 0.000954791938424326609, 0.000285885980666130812, 0.0000436624404335156298, 0.0000515138902046611451};
static double energy(void) {
    double e = 0;
    for (int i = 0; i < N; i++) {
        e += 0.5 * m[i] * (v[i][0] * v[i][0] + v[i][1] * v[i][1] + v[i][2] * v[i][2]);
        for (int j = i + 1; j < N; j++)
            e -= m[i] * m[j] / sqrt(pow(p[i][0] - p[j][0], 2) + pow(p[i][1] - p[j][1], 2) + pow(p[i][2] - p[j][2], 2));
    }
    return e;
}
int main(int argc, char** argv) {
    long steps = argc > 1 ? atol(argv[1]) : 1000000;
    double dt = 0.01 / year * 3.6524;
    for (int i = 0; i < N; i++) m[i] *= sun;
    for (int i = 1; i < N; i++)
        for (int k = 0; k < 3; k++) { v[i][k] *= year; v[0][k] -= v[i][k] * m[i] / m[0]; }
    double before = energy();
    for (long s = 0; s < steps; s++) {
        for (int i = 0; i < N; i++)
            for (int j = i + 1; j < N; j++) {
                double d[3], r2 = 0;
                for (int k = 0; k < 3; k++) { d[k] = p[i][k] - p[j][k]; r2 += d[k] * d[k]; }
                double pull = dt / (r2 * sqrt(r2));
                for (int k = 0; k < 3; k++) { v[i][k] -= d[k] * m[j] * pull; v[j][k] += d[k] * m[i] * pull; }
            }
        for (int i = 0; i < N; i++)
            for (int k = 0; k < 3; k++) p[i][k] += dt * v[i][k];
    }
    double after = energy();
    printf("%ld steps, energy %.9f -> %.9f, relative drift %.1e\n", steps, before, after, fabs((after - before) / before));
    return fabs((after - before) / before) < 1e-3 ? 0 : 1;
}
C
cc -O2 -o nbody nbody.c -lm
echo "compiled: $(wc -c <nbody) bytes"
./nbody "${STEPS:-50000000}" | tee "$RCQ_OUTPUT_DIR/energy.txt"
