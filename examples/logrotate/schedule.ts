/**
 * The instants at which a daily rotation is due, in a time zone whose clocks may change.
 *
 * Each date has one instant: the first at which the clocks of the zone have reached that date and the time of day. So
 * - a time of day that is skipped, as clocks go forward, is due at the first instant after the gap;
 * - a time of day that occurs twice, as clocks go back, is due when it occurs first, and not again;
 * - a date that is skipped (2011-12-30 in Apia) has no instant.
 */

/** A time of day in a time zone. */
export class DailySchedule {
  readonly time: Temporal.PlainTime;
  readonly timeZone: string;

  constructor(time: Temporal.PlainTime, timeZone: string) {
    this.time = time;
    this.timeZone = timeZone;
  }

  /** The instant for a date; `null` if the zone skipped that date. */
  instantOf(date: Temporal.PlainDate): Temporal.Instant | null {
    const startOfDay = date.toZonedDateTime(this.timeZone);
    if (!startOfDay.toPlainDate().equals(date)) return null;
    const wanted = date.toPlainDateTime(this.time);
    const first = wanted.toZonedDateTime(this.timeZone, { disambiguation: "earlier" });
    if (first.toPlainDateTime().equals(wanted)) return first.toInstant();
    // For a time in a gap, "earlier" is before the gap: the gap ends at the next transition.
    return first.getTimeZoneTransition("next")!.toInstant();
  }

  /** The latest date whose instant has come by `now`. */
  latestDate(now: Temporal.Instant): Temporal.PlainDate {
    // After clocks went back over midnight, they may show the day before again.
    let date = now.toZonedDateTimeISO(this.timeZone).toPlainDate().add({ days: 1 });
    while (!this.#hasCome(date, now)) date = date.subtract({ days: 1 });
    return date;
  }

  /** The first instant of a date after `now`. */
  nextInstant(now: Temporal.Instant): Temporal.Instant {
    let date = this.latestDate(now);
    let next: Temporal.Instant | null = null;
    while (next === null) {
      date = date.add({ days: 1 });
      next = this.instantOf(date);
    }
    return next;
  }

  #hasCome(date: Temporal.PlainDate, now: Temporal.Instant): boolean {
    const instant = this.instantOf(date);
    return instant !== null && Temporal.Instant.compare(instant, now) <= 0;
  }
}
