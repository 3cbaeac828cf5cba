using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>One life of the service: its engine, its volume's scheduler, its view of the devices.</summary>
internal sealed class Incarnation
{
    /// <summary>Starts a service on what is on the devices.</summary>
    public Incarnation(Run run, VolumeSpec spec, Chaos chaos, FaultRecords records, VolumeTelemetry telemetry, long nowNs, long epoch, Random random)
    {
        System = new SimulatedSystem(random, nowNs);
        Faults = new SimulatedFaultStore(System, records, run.History, random) { FailOneOf = chaos.RecordFailsOneOf };
        Journal = chaos.HasJournal ? new FaultJournal(run, System, Faults, records, chaos, random) : null;
        Devices =
        [
            .. spec.Domains.Select((domain, i) =>
                new SimulatedDevice(i, domain, run.Map.Media[i], chaos.Device, System, run.History, random, run.Bug)),
        ];
        (Props props, Status) = VolumeScheduler.Prepare(new VolumeSetup
        {
            Name = Run.VolumeName,
            Spec = spec,
            Devices = new VolumeDevices(Devices, spec.OperationsMax, System.Post),
            Timer = actor => Timer(run.Bug, spec.Costs, actor),
            Faults = Journal?.Store ?? Faults,
            Telemetry = telemetry,
            Epoch = epoch,
        });
        Volume = System.ActorOf(props, Run.VolumeName);
        System.Register(Run.VolumeName, Volume);
    }

    public SimulatedSystem System { get; }

    public IReadOnlyList<SimulatedDevice> Devices { get; }

    public SimulatedFaultStore Faults { get; }

    /// <summary>The history of faults, or null: nobody keeps one.</summary>
    public FaultJournal? Journal { get; }

    public SimulatedActor Volume { get; }

    public VolumeStatus Status { get; }

    private IVolumeTimer Timer(PlantedBug bug, CostModel costs, ActorRef volume)
    {
        SimulatedTimer timer = new(System, volume);
        return bug switch
        {
            PlantedBug.FlushTimeNotCharged => new FlushlessTimer(timer, Devices),
            PlantedBug.ClockRunsSlow when costs.Learn => new SlowTimer(timer),
            _ => timer,
        };
    }

    /// <summary>Its rings that are not closed.</summary>
    public List<SimulatedRing> Rings { get; } = [];

    /// <summary>It was told to stop.</summary>
    public bool Stopping { get; set; }

    /// <summary>Steps until it is killed because it has given up; -1 for never.</summary>
    public int KillIn { get; set; } = -1;

    /// <summary>An operator is at it.</summary>
    public bool Clearing { get; set; }
}
