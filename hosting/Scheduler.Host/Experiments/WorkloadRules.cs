using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Checks what the guests of a group do.</summary>
/// <param name="workload">Its section.</param>
/// <param name="guests">Guests in the group.</param>
/// <param name="ordered">Ordered mode of their disks.</param>
/// <param name="disk">Size of each disk.</param>
internal sealed class WorkloadRules(ExperimentSection workload, int guests, OrderedMode ordered, long disk)
{
    public ExperimentWorkload Check()
    {
        ExperimentWorkloadKind kind = workload.Choice<ExperimentWorkloadKind>("kind");
        if (kind == ExperimentWorkloadKind.BarrierWriter && !ordered.TakesBarriers())
        {
            throw workload.Error(
                "kind", $"the group's ordered mode {KebabName.Of(ordered)} takes no barriers; write e.g. ordered = tag-flush");
        }

        ExperimentWorkload made = new()
        {
            Kind = kind,
            RequestBytes = (int)workload.Size("request", ExperimentLimits.SectorBytes, ExperimentLimits.RequestBytesMax, ExperimentLimits.SectorBytes),
            Depth = workload.Count("depth", 1, VolumeCore.CreditsMax),
            RatePerSecond = workload.Number("rate", 0, ExperimentLimits.RateMax),
            SyncEvery = workload.Count("sync-every", 1, ExperimentLimits.SyncEveryMax),
            OtherPercent = workload.Count("other-percent", 0, 100),
            ActiveNs = workload.Ns("active", TimeSpan.Zero, ExperimentBuilder.DurationMax),
            IdleNs = workload.Ns("idle", TimeSpan.Zero, ExperimentBuilder.DurationMax),
            Trace = kind == ExperimentWorkloadKind.Replay ? Trace() : [],
        };
        if (made.RequestBytes > disk)
            throw workload.Error("request", $"'{workload.Raw("request")}' is larger than the disk of {ByteSize.Format(disk)}");
        if (made.ActiveNs == 0 != (made.IdleNs == 0))
            throw workload.Error(made.ActiveNs != 0 ? "active" : "idle", "bursts need both active and idle; without bursts both are 0s");
        if (made.ActiveNs != 0 && made.ActiveNs + made.IdleNs < ExperimentLimits.BurstNsMin)
            throw workload.Error("active", $"'{workload.Raw("active")}' and idle '{workload.Raw("idle")}' are less than {ExperimentLimits.BurstNsMin / 1000}us together; write longer ones");
        if (kind != ExperimentWorkloadKind.Replay && workload.IsSet("trace"))
            throw workload.Error("trace", $"a {KebabName.Of(kind)} takes no trace; write kind = replay");
        return made;
    }

    // Relative to the file that names it, which may be an included one.
    private IReadOnlyList<TraceRequest> Trace()
    {
        string name = workload.Reader.FilePath(workload.At("trace"), workload.Raw("trace"));
        string directory = Path.GetDirectoryName(workload.Reader.FileOf(workload.At("trace"))) ?? "";
        return new TraceFile(Path.Combine(directory, name), guests, disk, ordered).Read();
    }
}
