using System.Globalization;
using System.Text.RegularExpressions;
using Scheduler.Core;
using Scheduler.Host.Configuration;
using Scheduler.Simulation;

namespace Scheduler.Host.Experiments;

/// <summary>Checks the groups of guests, each by itself and all together.</summary>
/// <param name="section">The section with the groups.</param>
/// <param name="device">What they share.</param>
internal sealed partial class GroupRules(ExperimentSection section, ExperimentDevice device)
{
    private static readonly TimeSpan _timeMax = TimeSpan.FromMicroseconds(ExperimentLimits.StartNsMax / 1000);

    private int _guests;
    private double _reserved;

    /// <summary>Checks all of them.</summary>
    /// <param name="file">Where to point when there is none.</param>
    public List<ExperimentGroup> Check(HoconPosition file)
    {
        List<ExperimentGroup> groups = [];
        foreach (string name in section.Names)
        {
            if (!NamePattern().IsMatch(name))
                throw section.Error(name, "is not a name for a group: up to 63 letters, digits, '.', '_' and '-', a letter or digit first");
            ExperimentGroup group = Check(section.Section(name), name);
            CheckSums(name, group);
            groups.Add(group);
        }

        return groups.Count > 0 ? groups : throw new HoconException(file, "groups", "needs at least one group");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,62}\z")]
    private static partial Regex NamePattern();

    private static ExperimentGroup Check(ExperimentSection group, string name)
    {
        int count = group.Count("count", 1, ExperimentLimits.GuestsMax);
        OrderedMode ordered = group.Choice<OrderedMode>("ordered");
        long disk = group.Size("disk", ExperimentLimits.BlockBytes, ExperimentLimits.DiskBytesMax, ExperimentLimits.BlockBytes);
        ExperimentGroup checkedGroup = new()
        {
            Name = name,
            Count = count,
            Weight = group.Count("weight", 1, ExperimentLimits.WeightMax),
            Reservation = group.Count("reservation", 0, ExperimentLimits.RateMax),
            Limit = group.Count("limit", 0, ExperimentLimits.RateMax),
            FlushLatencyNsMax = group.Ns("flush-latency-max", TimeSpan.Zero, TimeSpan.FromMinutes(1)),
            UnflushedBytesMax = group.Size("unflushed-max", 1L << 20, 1L << 40, 1),
            Ordered = ordered,
            DiskBytes = disk,
            Workload = new WorkloadRules(group.Section("workload"), count, ordered, disk).Check(),
            StartNs = group.Ns("start", TimeSpan.Zero, _timeMax),
            StopNs = group.IsSet("stop") ? group.Ns("stop", TimeSpan.Zero, _timeMax) : long.MaxValue,
        };
        if (checkedGroup.Limit != 0 && checkedGroup.Limit < checkedGroup.Reservation)
            throw group.Error("limit", $"{checkedGroup.Limit} is below the reservation of {checkedGroup.Reservation}; 0 means no limit");
        if (checkedGroup.StopNs <= checkedGroup.StartNs)
            throw group.Error("stop", $"'{group.Raw("stop")}' is not after the start at '{group.Raw("start")}'");
        return checkedGroup;
    }

    private void CheckSums(string name, ExperimentGroup group)
    {
        _guests += group.Count;
        if (_guests > ExperimentLimits.GuestsMax)
            throw section.Error(name, $"there are {_guests} guests up to this group; write a count that makes {ExperimentLimits.GuestsMax} or fewer");
        _reserved += group.Count * group.Reservation;
        if (_reserved > device.ReadsPerSecond)
        {
            throw section.Section(name).Error(
                "reservation",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the reservations up to this group are {_reserved:F0} a second, the device has {device.ReadsPerSecond:F0}; write smaller ones, or a faster device"));
        }
    }
}
