using System.CommandLine;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler fault list|clear|history</c></summary>
internal static class FaultCommand
{
    /// <summary>Makes the command.</summary>
    /// <returns>The command with its three.</returns>
    public static Command Create()
    {
        AdminOptions admin = new();
        return admin.AddTo(new Command("fault", "Shows and clears the failed syncs that keep a running service from writing.")
        {
            FaultListCommand.Create(admin),
            FaultClearCommand.Create(admin),
            HistoryCommand.OfFaults(admin),
        });
    }
}
