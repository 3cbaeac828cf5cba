using System.Diagnostics.Metrics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Scheduler.Actors;
using Scheduler.Host.Configuration;
using Scheduler.Host.Telemetry;

namespace Scheduler.Host.Running;

/// <summary>Collects the instruments: for Prometheus on demand, and for an OTLP collector if one is configured.</summary>
internal sealed class Observability : IDisposable
{
    /// <summary>The runtime's own meter, and those of its instruments that say how the service is doing.</summary>
    private const string RuntimeMeter = "System.Runtime";
    private static readonly string[] s_runtimeParts = ["dotnet.gc.", "dotnet.process.", "dotnet.thread_pool."];

    private readonly MeterProvider _meters;
    private readonly TracerProvider? _tracer;

    /// <summary>Begins to collect.</summary>
    /// <param name="settings">Where to export to.</param>
    /// <param name="seriesMax">Most combinations of labels of one instrument.</param>
    /// <param name="node">Name of this node of a cluster, by which collectors tell it from the others; null: there is none.</param>
    public Observability(TelemetrySettings settings, int seriesMax, string? node = null)
    {
        ResourceBuilder resource = ResourceBuilder.CreateDefault().AddService("scheduler", serviceInstanceId: node);
        MeterProviderBuilder meters = Sdk.CreateMeterProviderBuilder()
            .SetResourceBuilder(resource)
            .AddMeter(VolumeTelemetry.SourceName, RuntimeMeter)

            // Beyond its default of 2,000 the SDK would lump guests together.
            .AddView(instrument => IsLeftOut(instrument) ? MetricStreamConfiguration.Drop
                : instrument is Histogram<double>
                ? new ExplicitBucketHistogramConfiguration { CardinalityLimit = seriesMax, Boundaries = VolumeTelemetry.BucketBoundaries }
                : new MetricStreamConfiguration { CardinalityLimit = seriesMax })
            .AddReader(new BaseExportingMetricReader(Prometheus));
        if (settings.OtlpEndpoint is { } endpoint)
        {
            meters.AddOtlpExporter(options => Point(options, endpoint, "v1/metrics"));
            if (settings.TraceRatio > 0)
            {
                // The volumes choose which requests become spans; the sampler takes all of those.
                _tracer = Sdk.CreateTracerProviderBuilder()
                    .SetResourceBuilder(resource)
                    .SetSampler(new AlwaysOnSampler())
                    .AddSource(VolumeTelemetry.SourceName)
                    .AddOtlpExporter(options => Point(options, endpoint, "v1/traces"))
                    .Build();
            }
        }

        _meters = meters.Build();
        Volumes = new VolumeTelemetry
        {
            TraceEvery = _tracer is null ? 0 : (int)Math.Clamp(Math.Round(1 / settings.TraceRatio), 1, int.MaxValue),
        };
    }

    /// <summary>Renders the metrics.</summary>
    public PrometheusExporter Prometheus { get; } = new();

    /// <summary>The instruments.</summary>
    public VolumeTelemetry Volumes { get; }

    /// <summary>Exports what is left, and ends.</summary>
    public void Dispose()
    {
        _tracer?.Dispose();
        _meters.Dispose();
        Volumes.Dispose();
    }

    private static bool IsLeftOut(Instrument instrument) =>
        instrument.Meter.Name == RuntimeMeter && !s_runtimeParts.Any(part => instrument.Name.StartsWith(part, StringComparison.Ordinal));

    private static void Point(OtlpExporterOptions options, Uri endpoint, string path)
    {
        // Port 4317 is gRPC's by convention, everything else is taken as HTTP.
        options.Protocol = endpoint.Port == 4317 ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        options.Endpoint = options.Protocol == OtlpExportProtocol.Grpc ? endpoint : new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/" + path);
    }
}
