// Guests that change, or come, while the volume runs. Nothing of theirs is disturbed: no ring, request or charge.
//
// Q2, Q3  Weight, reservation and limit hold from the next dispatch on; FairPolicy.cs says what becomes of the tags.
// Q1      A lower bound on unflushed bytes has a flush wanted, and a higher one lets blocked writes go.
// F7      A flush that is held goes no later than a lower latency bound allows.
//
// Counters are read by other threads meanwhile: a guest that comes is in a new array, and all that was keeps its index.
namespace Scheduler.Core;

public sealed partial class VolumeCore
{
    /// <summary>Says what is against a guest that has changed, or is new.</summary>
    /// <param name="guest">The guest; one of the same name is the one that has changed.</param>
    /// <returns>The reason, or null: <see cref="VolumeEvent.ChangeGuest"/> may follow.</returns>
    public string? WhyNotChange(GuestSpec guest)
    {
        ArgumentNullException.ThrowIfNull(guest);
        try
        {
            _ = CreateGuest(_guests.Length, guest);
            return null;
        }
        catch (ArgumentException wrong)
        {
            return wrong.Message;
        }
    }

    private void ChangeGuest(GuestSpec spec)
    {
        Invariant.Holds(WhyNotChange(spec) is null, "Q2", "a guest changes to what no guest can be");
        if (Array.Find(_guests, guest => guest.Spec.Name == spec.Name) is not { } guest)
        {
            _policy.Grow(_guests.Length + 1);
            _guests = [.. _guests, CreateGuest(_guests.Length, spec)];
            return;
        }

        GuestSpec before = guest.Spec;
        guest.Spec = spec;
        guest.Weight = spec.Weight / 100.0;
        _policy.GuestChanged(guest, before, _nowNs);
        WantOwnFlush(guest);
        Unblock(guest);
        foreach (FlushDomain domain in _domains)
            FlushGathering.BoundsChanged(domain);
    }
}
