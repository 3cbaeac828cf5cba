using System.Diagnostics.Metrics;
using Scheduler.Core;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>Guests that change or come while their volume runs.</summary>
public sealed class ChangedGuestTests : IDisposable
{
    private readonly VolumeHarness _volume = new(depth: 1);
    private readonly List<string?> _answers = [];

    public void Dispose() => _volume.Dispose();

    [Fact]
    public void A_guests_new_weight_holds_for_the_rings_that_it_has()
    {
        TestGuest first = _volume.Open("d0");
        TestGuest second = _volume.Open("d1");
        _volume.Run();
        Change(new GuestSpec { Name = "g0", Weight = 10 }, new GuestSpec { Name = "g1", Weight = 10_000 });
        first.SendMany(4, RingOp.Read, 4096);
        second.SendMany(4, RingOp.Read, 4096);
        for (int i = 0; i < 5; i++)
        {
            _volume.Run();
            _volume.Device.Complete(DeviceOp.Read);
        }

        _volume.Run();
        Assert.Equal([null], _answers);
        Assert.Equal((1, 4), (first.Replies.Count, second.Replies.Count));
        Assert.Null(first.ClosedBecause);
    }

    [Fact]
    public void A_guest_that_comes_has_its_numbers()
    {
        using MeterListener listener = new()
        {
            InstrumentPublished = (instrument, meter) =>
            {
                if (ReferenceEquals(instrument.Meter, _volume.Telemetry.Meter))
                    meter.EnableMeasurementEvents(instrument);
            },
        };
        List<string> measured = [];
        listener.SetMeasurementEventCallback<double>((_, _, tags, _) => measured.Add($"{tags[1].Value} {tags[2].Value}"));
        listener.Start();
        Change(new GuestSpec { Name = "g2" }, new GuestSpec { Name = "g3" });
        _volume.Volume.Tell(new ChangeDisks([new DiskSpec { Name = "d2", Guest = 3, Extents = [new Extent(0, 0, 0, 4096)] }], _answers.Add));
        TestGuest guest = _volume.Open("d2");
        _volume.Run();
        guest.Send(0, RingOp.Read, 0, 4096);
        _volume.Run();
        _volume.Device.Complete(DeviceOp.Read);
        _volume.Run();

        Assert.Equal([null, null], _answers);
        Assert.Equal(["g0", "g1", "g2", "g3"], _volume.Status.Guests);
        Assert.Equal((0, 1, 4096), (_volume.Status.Requests(2, 0), _volume.Status.Requests(3, 0), _volume.Status.Bytes(3, 0)));
        Assert.True(_volume.Status.DeviceTimeSeconds(3) > 0);
        Assert.Contains("g3 read", measured);
    }

    [Fact]
    public void If_one_of_the_guests_is_refused_none_is_changed_or_made()
    {
        Change(new GuestSpec { Name = "g2" }, new GuestSpec { Name = "g0", Weight = 0 });
        Assert.Contains("weight 0", Assert.Single(_answers), StringComparison.Ordinal);
        Assert.Equal(["g0", "g1"], _volume.Status.Guests);
        Assert.False(_volume.Status.Stopped.IsCompleted);
    }

    [Fact]
    public async Task Other_threads_read_whole_numbers_while_guests_come()
    {
        using CancellationTokenSource enough = new();
        Task<long> reader = Task.Run(() =>
        {
            long sum = 0;
            while (!enough.IsCancellationRequested)
            {
                IReadOnlyList<string> guests = _volume.Status.Guests;
                for (int guest = 0; guest < guests.Count; guest++)
                    sum += _volume.Status.Requests(guest, 5) + _volume.Status.FlushRequests(guest) + guests[guest].Length;
            }

            return sum;
        });
        for (int i = 2; i < 2_000; i++)
            Change(new GuestSpec { Name = "g" + i });
        await enough.CancelAsync();
        Assert.True(await reader.WaitAsync(TimeSpan.FromSeconds(30)) >= 0);
        Assert.Equal(2_000, _volume.Status.Guests.Count);
    }

    private void Change(params GuestSpec[] guests)
    {
        _volume.Volume.Tell(new ChangeGuests(guests, _answers.Add));
        _volume.Run();
    }
}
