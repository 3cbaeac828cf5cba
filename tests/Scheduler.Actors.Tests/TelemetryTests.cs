using System.Diagnostics;
using System.Diagnostics.Metrics;
using Scheduler.Storage;

namespace Scheduler.Actors.Tests;

/// <summary>What is measured and traced while requests go through.</summary>
public sealed class TelemetryTests
{
    [Fact]
    public void A_device_flush_is_a_span_with_a_link_to_each_request_that_it_served()
    {
        List<Activity> spans = [];
        using VolumeHarness volume = new(traceEvery: 1);
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => ReferenceEquals(source, volume.Telemetry.Source),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);

        TestGuest a = volume.Open("d0");
        TestGuest b = volume.Open("d1");
        volume.Run();
        a.Send(0, RingOp.Flush);
        volume.Run();
        b.Send(0, RingOp.Flush);
        volume.Run();

        // The second came after the first flush had begun, but had nothing of its own completed since: it rides.
        volume.Device.Complete(DeviceOp.Flush);
        volume.Run();
        Assert.Empty(volume.Device.Held);

        Activity[] requests = [.. spans.Where(span => span.OperationName == "scheduler.request")];
        Activity flush = Assert.Single(spans, span => span.OperationName == "scheduler.flush.device");
        Assert.Equal(["d0", "d1"], requests.Select(span => span.GetTagItem("disk")));
        Assert.All(requests, span => Assert.Equal("flush", span.GetTagItem("op")));
        Assert.Equal(requests.Select(span => span.Context), flush.Links.Select(link => link.Context));
        Assert.Null(Activity.Current);
    }

    [Fact]
    public void Only_one_of_so_many_requests_becomes_a_span()
    {
        int spans = 0;
        using VolumeHarness volume = new(traceEvery: 3);
        using ActivityListener listener = new()
        {
            ShouldListenTo = source => ReferenceEquals(source, volume.Telemetry.Source),
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = _ => spans++,
        };
        ActivitySource.AddActivityListener(listener);
        TestGuest guest = volume.Open("d0");
        volume.Run();
        for (int i = 0; i < 9; i++)
        {
            guest.Send(0, RingOp.Read, 0, 4096);
            volume.Run();
            volume.Device.Complete(DeviceOp.Read);
            volume.Run();
        }

        Assert.Equal(3, spans);
    }

    [Fact]
    public void Counters_and_durations_carry_volume_guest_and_operation()
    {
        Dictionary<string, double> seen = [];
        using VolumeHarness volume = new();
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, self) =>
        {
            if (ReferenceEquals(instrument.Meter, volume.Telemetry.Meter))
                self.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        listener.Start();

        TestGuest guest = volume.Open("d1");
        volume.Run();
        guest.Send(0, RingOp.Write, 0, 8192);
        volume.NowNs += 1_000_000;
        volume.Run();
        volume.NowNs += 2_000_000;
        volume.Device.Complete(DeviceOp.Write);
        guest.Send(1, RingOp.Flush);
        volume.Run();
        volume.Device.Complete(DeviceOp.Flush);
        volume.Run();
        listener.RecordObservableInstruments();

        Assert.Equal(1, seen["scheduler.requests v g1 write"]);
        Assert.Equal(8192, seen["scheduler.bytes v g1 write"]);
        Assert.Equal(0.002, seen["scheduler.request.duration v g1 write"], 9);
        Assert.Equal(0, seen["scheduler.request.queued v g1 write"], 9);
        Assert.Equal(1, seen["scheduler.flush.requests v g1"]);
        Assert.Equal(0, seen["scheduler.flush.requests v g0"]);
        Assert.Equal(1, seen["scheduler.flush.device v"]);
        Assert.Equal(1, seen["scheduler.flush.served v"]);
        Assert.True(seen["scheduler.device.time v g1"] > 0);

        void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            string key = instrument.Name;
            foreach (KeyValuePair<string, object?> tag in tags)
                key += " " + tag.Value;
            seen[key] = seen.GetValueOrDefault(key) + value;
        }
    }
}
