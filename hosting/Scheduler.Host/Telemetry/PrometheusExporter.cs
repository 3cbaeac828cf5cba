using System.Buffers;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace Scheduler.Host.Telemetry;

/// <summary>
/// Metrics as Prometheus text, collected when they are asked for. Give it to a <see cref="BaseExportingMetricReader"/>,
/// and the reader to the meter provider, before the first <see cref="TryScrape"/>.
/// </summary>
[ExportModes(ExportModes.Pull)]
public sealed class PrometheusExporter : BaseExporter<Metric>, IPullMetricExporter
{
    /// <summary>The media type of what <see cref="TryScrape"/> writes.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    private readonly PrometheusWriter _writer = new();
    private readonly Lock _scraping = new();

    /// <summary>Set by the reader.</summary>
    public Func<int, bool>? Collect { get; set; }

    /// <summary>
    /// Collects all metrics and writes them. Scrapes take turns; the buffer between is reused, so the destination
    /// should be one that does not wait for its client, such as a response's <c>BodyWriter</c>.
    /// </summary>
    /// <param name="destination">Receives UTF-8 text.</param>
    /// <returns>False if there is no reader, or it could not collect; nothing was written then.</returns>
    public bool TryScrape(IBufferWriter<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        lock (_scraping)
        {
            if (Collect is not { } collect || !collect(Timeout.Infinite))
                return false;
            destination.Write(_writer.Written);
            return true;
        }
    }

    /// <summary>Called by the reader within <see cref="Collect"/>, on the same thread.</summary>
    /// <param name="batch">All metrics.</param>
    /// <returns>Success.</returns>
    public override ExportResult Export(in Batch<Metric> batch)
    {
        _writer.Write(in batch);
        return ExportResult.Success;
    }
}
