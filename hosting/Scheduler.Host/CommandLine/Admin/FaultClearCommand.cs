using System.CommandLine;
using Scheduler.Host.Api;

namespace Scheduler.Host.CommandLine;

/// <summary><c>scheduler fault clear VOLUME [--domain N] [--admin ADDRESS]</c></summary>
internal static class FaultClearCommand
{
    /// <summary>Makes the command.</summary>
    /// <param name="admin">Whom to ask.</param>
    /// <returns>The command.</returns>
    public static Command Create(AdminOptions admin)
    {
        Argument<string> volume = new("VOLUME") { Description = "Name of the volume" };
        Option<int?> domain = new("--domain") { Description = "Number of the flush domain. Default: the one that has a fault", HelpName = "N" };
        domain.Validators.Add(result =>
        {
            if (!result.Implicit && (!int.TryParse(result.Tokens[0].Value, out int number) || number < 0))
                result.AddError($"--domain: '{result.Tokens[0].Value}' is not a number from 0");
        });
        Command command = new("clear", "Lets writes through again where a sync failed. Disconnects guests whose data may be lost.")
        {
            volume,
            domain,
        };
        command.SetAction((parsed, cancellation) => admin.AskAsync(
            parsed,
            async client =>
            {
                string name = parsed.GetValue(volume)!;
                int number = parsed.GetValue(domain) ?? await OnlyOneAsync(client, name, cancellation);
                await client.ClearFaultAsync(name, number, cancellation);
                await parsed.InvocationConfiguration.Output.WriteLineAsync($"volume {name}: the fault of domain {number} is cleared");
            }));
        return command;
    }

    private static async Task<int> OnlyOneAsync(AdminClient client, string volume, CancellationToken cancellation)
    {
        int[] domains = [.. (await client.FaultsAsync(cancellation)).Where(fault => fault.Volume == volume).Select(fault => fault.Domain)];
        return domains switch
        {
            [int only] => only,
            [] => throw new AdminException($"volume {volume} has no fault; see scheduler fault list"),
            _ => throw new AdminException($"volume {volume} has faults in domains {string.Join(", ", domains)}; name one with --domain"),
        };
    }
}
