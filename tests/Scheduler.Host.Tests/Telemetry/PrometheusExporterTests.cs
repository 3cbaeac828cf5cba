using System.Buffers;
using System.Diagnostics.Metrics;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using Scheduler.Host.Telemetry;

namespace Scheduler.Host.Tests.Telemetry;

public sealed class PrometheusExporterTests : IDisposable
{
    private readonly Meter _meter = new($"test.{Guid.NewGuid()}");
    private readonly Meter _second = new($"test.{Guid.NewGuid()}");
    private readonly PrometheusExporter _exporter = new();
    private readonly MeterProvider _provider;

    public PrometheusExporterTests() => _provider = Sdk.CreateMeterProviderBuilder()
        .AddMeter(_meter.Name, _second.Name)
        .AddView("scheduler.request.duration", new ExplicitBucketHistogramConfiguration { Boundaries = [0.0005, 0.01, 1] })
        .AddReader(new BaseExportingMetricReader(_exporter))
        .Build();

    public void Dispose()
    {
        _provider.Dispose();
        _meter.Dispose();
        _second.Dispose();
    }

    [Fact]
    public void Metrics_in_the_text_format()
    {
        Histogram<double> duration = _meter.CreateHistogram<double>("scheduler.request.duration", "s", "Time to the reply.");
        Counter<long> flushes = _meter.CreateCounter<long>("scheduler.flush.requests", description: "Guest flushes.");
        Counter<double> time = _meter.CreateCounter<double>("scheduler.device.time", "s");
        Counter<long> bytes = _meter.CreateCounter<long>("scheduler.written", "By", "C:\\ and\na new line");
        UpDownCounter<int> depth = _meter.CreateUpDownCounter<int>("scheduler.queue.depth", "{request}");
        _meter.CreateObservableGauge("scheduler.ratio", () => double.PositiveInfinity);

        flushes.Add(2, new("volume", "vol0"), new("guest", "g0"));
        flushes.Add(1, new("volume", "vol0"), new("guest", "g\"1\\\n"));
        flushes.Add(3, new("volume", "vol0"), new("guest", "g0"));
        duration.Record(0.0001, new("op", "read"), new("http.route", true));
        duration.Record(0.002, new("op", "read"), new("http.route", true));
        duration.Record(0.5, new("op", "read"), new("http.route", true));
        duration.Record(2, new("op", "read"), new("http.route", true));
        time.Add(0.25);
        time.Add(1.5e-7);
        bytes.Add(4096);
        depth.Add(5);
        depth.Add(-2);

        Assert.Equal(
            """
            # TYPE scheduler_device_time_seconds_total counter
            scheduler_device_time_seconds_total 0.25000015
            # HELP scheduler_flush_requests_total Guest flushes.
            # TYPE scheduler_flush_requests_total counter
            scheduler_flush_requests_total{guest="g0",volume="vol0"} 5
            scheduler_flush_requests_total{guest="g\"1\\\n",volume="vol0"} 1
            # TYPE scheduler_queue_depth gauge
            scheduler_queue_depth 3
            # TYPE scheduler_ratio gauge
            scheduler_ratio +Inf
            # HELP scheduler_request_duration_seconds Time to the reply.
            # TYPE scheduler_request_duration_seconds histogram
            scheduler_request_duration_seconds_bucket{http_route="true",op="read",le="0.0005"} 1
            scheduler_request_duration_seconds_bucket{http_route="true",op="read",le="0.01"} 2
            scheduler_request_duration_seconds_bucket{http_route="true",op="read",le="1"} 3
            scheduler_request_duration_seconds_bucket{http_route="true",op="read",le="+Inf"} 4
            scheduler_request_duration_seconds_sum{http_route="true",op="read"} 2.5021
            scheduler_request_duration_seconds_count{http_route="true",op="read"} 4
            # HELP scheduler_written_bytes_total C:\\ and\na new line
            # TYPE scheduler_written_bytes_total counter
            scheduler_written_bytes_total 4096

            """,
            Scrape());
    }

    [Fact]
    public void Meters_that_share_a_name_share_a_header()
    {
        _meter.CreateCounter<long>("shared").Add(1, new KeyValuePair<string, object?>("from", 1));
        _second.CreateCounter<long>("shared").Add(2, new KeyValuePair<string, object?>("from", 2));
        _second.CreateUpDownCounter<long>("shared.total").Add(3);
        Assert.Equal(
            """
            # TYPE shared_total counter
            shared_total{from="1"} 1
            shared_total{from="2"} 2

            """,
            Scrape());
    }

    [Fact]
    public void Scrapes_at_once_are_each_whole()
    {
        Counter<long> counter = _meter.CreateCounter<long>("n");
        for (int i = 0; i < 100; i++)
            counter.Add(1, new KeyValuePair<string, object?>("i", i));
        string expected = Scrape();
        Parallel.For(0, 200, _ => Assert.Equal(expected, Scrape()));
    }

    [Fact]
    public void Values_keep_growing_over_scrapes()
    {
        Counter<long> counter = _meter.CreateCounter<long>("n");
        counter.Add(1);
        _ = Scrape();
        counter.Add(1);
        Assert.Equal("# TYPE n_total counter\nn_total 2\n", Scrape());
    }

    [Fact]
    public void Without_a_reader_there_is_nothing_to_scrape()
    {
        using PrometheusExporter alone = new();
        ArrayBufferWriter<byte> destination = new();
        Assert.False(alone.TryScrape(destination));
        Assert.Equal(0, destination.WrittenCount);
    }

    [Theory]
    [InlineData("scheduler.flush.requests", "", true, "scheduler_flush_requests_total")]
    [InlineData("scheduler.flush.requests_total", "", true, "scheduler_flush_requests_total")]
    [InlineData("scheduler.device.time", "s", true, "scheduler_device_time_seconds_total")]
    [InlineData("scheduler.device.time.seconds", "s", true, "scheduler_device_time_seconds_total")]
    [InlineData("scheduler.device_time_seconds_total", "s", true, "scheduler_device_time_seconds_total")]
    [InlineData("scheduler.request.duration", "s", false, "scheduler_request_duration_seconds")]
    [InlineData("scheduler.queue.depth", "{request}", false, "scheduler_queue_depth")]
    [InlineData("9-lives", "1", false, "_9_lives")]
    public void Names(string instrument, string unit, bool counter, string expected) =>
        Assert.Equal(expected, PrometheusName.Family(instrument, unit, counter));

    private string Scrape()
    {
        ArrayBufferWriter<byte> destination = new();
        Assert.True(_exporter.TryScrape(destination));
        return Encoding.UTF8.GetString(destination.WrittenSpan);
    }
}
