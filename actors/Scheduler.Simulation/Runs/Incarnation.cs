using Scheduler.Actors;
using Scheduler.Core;

namespace Scheduler.Simulation;

/// <summary>One life of the volume's scheduler: its engine, its view of the devices. The engine and the rings are those of the life
/// before where the volume only has another machine.</summary>
internal sealed class Incarnation
{
    /// <summary>Starts a service on what is on the devices.</summary>
    /// <param name="run">The run.</param>
    /// <param name="spec">The volume.</param>
    /// <param name="chaos">What is done to it.</param>
    /// <param name="records">What is left of recorded faults.</param>
    /// <param name="telemetry">Instruments.</param>
    /// <param name="epoch">Which incarnation it is.</param>
    /// <param name="random">Draws what its devices do.</param>
    /// <param name="system">Its engine.</param>
    /// <param name="rings">Rings that live on.</param>
    /// <param name="foundNs">In so many nanoseconds the volume is found under its name.</param>
    public Incarnation(
        Run run, VolumeSpec spec, Chaos chaos, FaultRecords records, VolumeTelemetry telemetry, long epoch, Random random, SimulatedSystem system, List<SimulatedRing> rings, long foundNs)
    {
        System = system;
        Rings = rings;
        Faults = new SimulatedFaultStore(System, records, run.History, random) { FailOneOf = chaos.RecordFailsOneOf };
        Journal = chaos.HasJournal ? new FaultJournal(run, System, Faults, records, chaos, random) : null;
        Devices =
        [
            .. spec.Domains.Select((domain, i) =>
                new SimulatedDevice(i, domain, run.Map.Media[i], chaos.Device, System, run.History, random, run.Bug)
                {
                    IsTakenForClean = run.Bug == PlantedBug.FirstFlushAfterTakeover && rings.Count > 0,
                }),
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
            Clearings = run.Bug == PlantedBug.ClearingForgotten ? 0 : records.Clearings,
        });
        Volume = System.ActorOf(props, Run.VolumeName);
        if (foundNs == 0)
            System.Register(Run.VolumeName, Volume);
        else
            System.After(foundNs, () => System.Register(Run.VolumeName, Volume));
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
    public List<SimulatedRing> Rings { get; }

    /// <summary>It was told to stop.</summary>
    public bool Stopping { get; set; }

    /// <summary>It was told to stop because it moves.</summary>
    public bool Moving { get; set; }

    /// <summary>It moves, and takes nothing more.</summary>
    public bool TakesNothing { get; set; }

    /// <summary>Steps until it is killed because it has given up; -1 for never.</summary>
    public int KillIn { get; set; } = -1;

    /// <summary>An operator is at it.</summary>
    public bool Clearing { get; set; }
}
