/// <reference lib="dom" />
/**
 * An animation: every ball is a coroutine, and so are the painter and the counter of bounces.
 *
 * `serve.ts` bundles it and says how to look at it.
 */
import { Coro, main, type Operation, until } from "@asyncoro/asyncoro";

const canvas = document.querySelector("canvas")!;
const output = document.querySelector("output")!;

interface Ball {
  readonly x: number;
  y: number;
}

const balls = new Set<Ball>();
const RADIUS = 12;
const GRAVITY = 0.3; // pixels per frame, per frame
const LOSS = 0.8;

/** Waits for the browser to paint. */
function nextFrame(): Operation<number> {
  return until(new Promise<number>(requestAnimationFrame));
}

/** Falls and bounces, lower each time, and disappears. Every bounce is a message to `counter`. */
function* bounce(coro: Coro, x: number, y: number, counter: Coro) {
  const ball = { x, y };
  balls.add(ball);
  try {
    for (let speed = 0;;) {
      yield* nextFrame();
      speed += GRAVITY;
      ball.y += speed;
      if (ball.y < canvas.height - RADIUS) continue;
      counter.send(coro.id);
      if (speed < 2) return;
      ball.y = canvas.height - RADIUS;
      speed *= -LOSS;
    }
  } finally {
    balls.delete(ball);
  }
}

function* paint() {
  const context = canvas.getContext("2d")!;
  for (;;) {
    yield* nextFrame();
    context.clearRect(0, 0, canvas.width, canvas.height);
    for (const { x, y } of balls) {
      context.beginPath();
      context.arc(x, y, RADIUS, 0, 2 * Math.PI);
      context.fillStyle = `hsl(${x} 80% 50%)`;
      context.fill();
    }
  }
}

function* count(coro: Coro) {
  for (let bounces = 1;; bounces++) {
    const id = yield* coro.receive<number>();
    output.textContent = `${bounces} bounces, the last one by coroutine ${id}; there are ${balls.size} balls`;
  }
}

main(function* (coro) {
  new Coro(paint);
  const counter = new Coro(count);
  canvas.addEventListener("click", ({ offsetX, offsetY }) => coro.send([offsetX, offsetY]));
  for (;;) {
    // Without a click for a second, a ball drops by itself.
    const somewhere: [number, number] = [Math.random() * canvas.width, 0];
    const [x, y] = yield* coro.receive<[number, number]>(1, somewhere);
    new Coro(bounce, x, y, counter);
  }
});
